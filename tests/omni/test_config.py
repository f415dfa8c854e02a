"""Settings: where they come from, which one wins, and what is refused."""

import os
import re
from pathlib import Path

import pytest

from omni import config
from omni.errors import UsageError


def write(home, text):
    (home / "config.toml").write_text(text)


def test_defaults():
    found = config.settings()
    assert (found.model, found.device, found.budget, found.roots) == ("nano", "auto", None, ())


def test_a_flag_beats_the_environment_which_beats_the_file(own_home, monkeypatch):
    write(own_home, 'model = "file"\nbudget = 1\ndevice = "cpu"\n')
    monkeypatch.setenv("OMNI_MODEL", "environment")
    monkeypatch.setenv("OMNI_BUDGET", "2")
    found = config.settings(budget=3, model=None)
    assert (found.model, found.budget, found.device) == ("environment", 3, "cpu")


def test_roots_are_written_in_the_environment_as_paths_are(monkeypatch):
    monkeypatch.setenv("OMNI_ROOTS", os.pathsep.join(("/a", "/b")))
    assert config.settings().roots == (Path("/a"), Path("/b"))


def test_an_unknown_key_is_refused_with_the_known_ones(own_home):
    write(own_home, 'modle = "x"\n')
    message = (
        f"unknown setting 'modle' in {own_home / 'config.toml'}: did you mean 'model'? "
        "known are model, device"
    )
    with pytest.raises(UsageError, match=re.escape(message)):
        config.settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budget = 0", "budget = 0 in {path} is refused: input should be greater than or equal"),
        ('budget = "lots"', "budget = 'lots' in {path} is refused: input should be a valid int"),
        ('graphics = "ascii"', "graphics = 'ascii' in {path} is refused: string should match"),
        ("model = ", "{path} is not valid TOML"),
    ],
)
def test_a_refused_value_says_where_it_stands(own_home, text, message):
    write(own_home, text)
    with pytest.raises(UsageError, match=re.escape(message.format(path=own_home / "config.toml"))):
        config.settings()


def test_a_refused_variable_is_named(monkeypatch):
    monkeypatch.setenv("OMNI_BUDGET", "lots")
    with pytest.raises(UsageError, match=r"budget = 'lots' in OMNI_BUDGET is refused"):
        config.settings()


def test_the_file_may_lie_elsewhere_but_must_be_there(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    monkeypatch.setenv("OMNI_CONFIG", str(path))
    with pytest.raises(UsageError, match=r"OMNI_CONFIG names .*mine.toml, which does not exist"):
        config.settings()
    path.write_text('model = "mine"\n')
    assert config.settings().model == "mine"


def test_home_follows_the_environment(monkeypatch):
    monkeypatch.setenv("OMNI_HOME", "~/somewhere")
    assert config.home() == Path.home() / "somewhere"
    monkeypatch.delenv("OMNI_HOME")
    assert config.home().name == "omni"
