"""`omni catalog`, `models`, `sessions`, `doctor`: for people and, with `--json`, for programs."""

import json
import struct

import pytest

from omni import catalog, doctor
from omni.cli import models
from omni.plugins import Component


def listed(omni, *arguments):
    ran = omni(*arguments, "--json")
    assert ran.err == ""
    return ran.code, json.loads(ran.out)


def test_catalog_lists_every_plugin_with_the_fields_of_the_design(omni):
    code, found = listed(omni, "catalog")
    assert code == 0 and set(found) == {"components"}
    for entry in found["components"]:
        assert set(entry) == {"kind", "name", "system", "paper", "module", "summary"}
        assert entry["kind"] in catalog.KINDS
        assert entry["name"] and entry["summary"] and entry["module"].startswith("omni")
    modalities = {one["name"] for one in found["components"] if one["kind"] == "modality"}
    assert modalities >= {"text", "image", "audio", "video", "points", "series"}
    keys = [(one["kind"], one["name"], one["module"]) for one in found["components"]]
    assert len(keys) == len(set(keys))


def test_catalog_for_people_has_a_line_each_and_fits(omni, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    ran = omni("catalog")
    assert ran.code == 0 and max(map(len, ran.out.splitlines())) <= 40


def test_a_component_that_is_written_out_is_read_without_importing(tmp_path):
    path = tmp_path / "parts.py"
    path.write_text(
        "import a_package_that_nobody_has\n"
        "COMPONENTS = (\n"
        "    plugins.Component('router', 'mine', 'It ' 'routes.', system='X', paper='Y'),\n)\n"
    )
    expected = (Component("router", "mine", "It routes.", "X", "Y"),)
    assert catalog._components("parts", path) == expected


def test_a_component_that_is_computed_is_imported(tmp_path, monkeypatch):
    path = tmp_path / "computed_parts.py"
    path.write_text(
        "from omni.plugins import Component\n"
        "COMPONENTS = tuple(Component('tool', name, 'Does.') for name in 'ab')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = catalog._components("computed_parts", path)
    assert [one.name for one in found] == ["a", "b"]


def test_an_unknown_kind_is_refused(tmp_path):
    from omni.errors import OmniError

    path = tmp_path / "bad.py"
    path.write_text("COMPONENTS = [Component('thing', 'x', 'y')]\n")
    with pytest.raises(OmniError, match=r"bad lists .* in COMPONENTS"):
        catalog._components("bad", path)


def test_models_names_the_embedded_one_and_larger_ones(omni):
    code, found = listed(omni, "models")
    assert code == 0
    names = [one["name"] for one in found["models"]]
    assert names[0] == "nano" and "Qwen/Qwen2.5-Omni-3B" in names
    for one in found["models"]:
        if one["kind"] == "hub":
            assert one["memory"] > one["download"] > 1e8
    assert isinstance(found["figures"], list)


def test_a_folder_is_estimated_from_its_weights(omni, tmp_path):
    header = json.dumps({"__metadata__": {}}).encode()
    weights = struct.pack("<Q", len(header)) + header + bytes(1_000_000)
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    code, found = listed(omni, "models", str(tmp_path))
    (one,) = found["models"]
    assert code == 0 and one["kind"] == "folder" and "llava" in one["note"]
    assert 1_000_000 < one["memory"] < 1_500_000


def test_a_folder_without_weights_is_refused(omni, tmp_path):
    ran = omni("models", tmp_path)
    assert ran.code == 2
    assert ran.err == (f"omni: no *.safetensors in {tmp_path}: name the folder of a saved model\n")


def test_the_figures_are_those_of_the_card(omni, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "weights_folder", lambda: tmp_path)
    assert models.figures() == []
    assert models.nano().note.startswith("no weights")
    (tmp_path / "README.md").write_text(
        "# nano\n\n| input | output | split | n | right | judge |\n|---|---|---|---|---|---|\n"
        "| image | text | unseen | 200 | 97.5 % | exact |\n"
    )
    _, found = listed(omni, "models")
    assert found["figures"] == [
        {
            "input": "image",
            "output": "text",
            "split": "unseen",
            "n": "200",
            "right": "97.5 %",
            "judge": "exact",
        }
    ]
    assert "97.5 %" in omni("models").out


def test_sessions_are_listed_and_deleted(omni, scripted, red):
    assert omni("sessions").out == "no sessions yet: omni chat\n"
    scripted("Red.", "Blue.")
    omni("ask", "what is this?", "-a", red, "--session", "first")
    omni("ask", "and then?", "--session", "second")
    code, found = listed(omni, "sessions")
    assert code == 0
    assert [one["name"] for one in found["sessions"]] == ["second", "first"]
    first = found["sessions"][1]
    assert (first["turns"], first["attachments"], first["title"]) == (1, 1, "what is this?")
    assert "what is this?" in omni("sessions").out
    ran = omni("sessions", "delete", "fir")
    assert (ran.code, ran.err) == (0, "deleted first\n")
    assert listed(omni, "sessions", "delete", "second")[1] == {"deleted": ["second"]}
    assert listed(omni, "sessions")[1] == {"sessions": []}


def test_deleting_what_is_not_there_deletes_nothing(omni, scripted):
    scripted("a")
    omni("ask", "x", "--session", "kept")
    ran = omni("sessions", "delete", "kept", "gone")
    assert ran.code == 2 and "no session called 'gone'" in ran.err
    assert len(listed(omni, "sessions")[1]["sessions"]) == 1
    assert omni("sessions", "delete").code == 2
    assert omni("sessions", "list", "x").code == 2


@pytest.fixture
def quick(monkeypatch):
    """The doctor without a process for torch."""
    monkeypatch.setattr(doctor, "_LOOKS", doctor._LOOKS | {"devices": lambda: iter(())})


def test_doctor_says_what_is_here(omni, quick):
    code, found = listed(omni, "doctor")
    assert set(found) == {"healthy", "checks"}
    assert (code == 0) is found["healthy"]
    for check in found["checks"]:
        assert set(check) == {
            "area", "name", "state", "detail", "remedy", "download", "required",
        }  # fmt: skip
        assert check["state"] in doctor.STATES
    assert {"Python", "home", "torch", "extra offline", "nano", "sound player"} <= {
        check["name"] for check in found["checks"]
    }


def test_doctor_for_people(omni, quick, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    ran = omni("doctor")
    assert "Python" in ran.out and "\x1b" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 60


def test_a_missing_package_is_told_with_its_remedy(omni, quick, monkeypatch):
    def requirements():
        yield "no-such-package", ">=1", ""
        yield "pillow", "<1", ""
        yield "espeakng-loader-of-nobody", "", "offline"
        yield "onnxruntime", "", "offline"

    monkeypatch.setattr(doctor, "_requirements", requirements)
    monkeypatch.setattr(doctor, "_version", lambda name: "13.0" if name == "pillow" else None)
    code, found = listed(omni, "doctor")
    checks = {check["name"]: check for check in found["checks"]}
    assert code == 1 and not found["healthy"]
    assert checks["no-such-package"]["remedy"] == 'pip install "no-such-package>=1"'
    assert checks["pillow"]["state"] == "broken"
    assert checks["pillow"]["detail"] == "13.0, but wanted <1"
    extra = checks["extra offline"]
    assert extra["remedy"] == 'pip install "omni-agent[offline]"'
    assert extra["download"] == 24_000_000 and not extra["required"]


def test_a_check_that_breaks_is_a_finding(omni, quick, monkeypatch):
    def explode():
        raise RuntimeError("boom")
        yield

    monkeypatch.setattr(doctor, "_LOOKS", {"terminal": explode})
    code, found = listed(omni, "doctor")
    assert code == 0
    assert found["checks"][0]["detail"] == "RuntimeError: boom"


def test_the_real_requirements_are_read():
    found = list(doctor._requirements())
    assert ("pillow", ">=10.3", "") in found
    assert any(extra == "offline" and name == "pocketsphinx" for name, _, extra in found)


def test_a_torch_that_does_not_start_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "_TORCH_PROBE", "raise ImportError('libcudart is missing')")
    (check,) = doctor._devices()
    assert (check.state, check.required) == ("broken", True)
    assert "libcudart is missing" in check.detail


def test_devices_are_those_that_torch_names(monkeypatch):
    told = json.dumps(
        {"cuda": [{"name": "H200", "bytes": 141e9}], "mps": False, "built_for": "12", "threads": 4}
    )
    monkeypatch.setattr(doctor, "_TORCH_PROBE", f"print({told!r})")
    found = [(check.name, check.detail) for check in doctor._devices()]
    assert found == [("cpu", "4 threads"), ("cuda:0", "H200, 141 GB")]
