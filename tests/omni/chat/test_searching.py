"""Search over past sessions, against what was said in them."""

import pytest

from omni.chat.agent import Agent
from omni.chat.searching import CLOSE, OPEN
from omni.chat.sessions import Sessions
from omni.errors import UsageError
from omni.testing.scripted import ScriptedBrain


@pytest.fixture
def say(own_home):
    """One turn in a session."""

    def one(session, question, answer, attach=()):
        with Agent(ScriptedBrain(script=[answer]), session=session, home=own_home) as agent:
            agent.run(question, attach)

    return one


def found(home, words, limit=20):
    with Sessions(home) as sessions:
        return [(one.session, one.turn) for one in sessions.search(words, limit)]


def test_words_of_questions_answers_and_media_are_found(own_home, say, picture):
    say("garden", "Which tree is this?", "An old oak, I think.", [picture(7)])
    say("garden", "And the bird on it?", "A nuthatch.")
    say("kitchen", "How long do eggs boil?", "Eight minutes; the oak table is no place for them.")
    assert found(own_home, "nuthatch") == [("garden", 2)]
    assert sorted(found(own_home, "oak")) == [("garden", 1), ("kitchen", 1)]
    assert found(own_home, "oak eggs") == [("kitchen", 1)]
    assert found(own_home, "OAK tre") == [("garden", 1)]  # capitals, and the beginning of a word
    assert found(own_home, "noise-7-24") == [("garden", 1)]  # the name of the file
    assert found(own_home, "zebra") == []
    assert len(found(own_home, "oak", limit=1)) == 1
    with Sessions(own_home) as sessions:
        (one,) = sessions.search("nuthatch")
        assert f"{OPEN}nuthatch{CLOSE}" in one.text and one.at.startswith("20")


def test_the_index_follows_what_is_said_forked_and_deleted(own_home, say):
    say("one", "first", "apples")
    assert found(own_home, "apples") == [("one", 1)]
    say("one", "second", "pears")
    assert found(own_home, "pears") == [("one", 2)]
    assert found(own_home, "apples") == [("one", 1)]
    with Sessions(own_home) as sessions:
        sessions.copy("one", "two")
    assert sorted(found(own_home, "pears")) == [("one", 2), ("two", 2)]
    with Sessions(own_home) as sessions:
        sessions.delete("one")
        assert [one.session for one in sessions.search("pears")] == ["two"]
        with sessions.checkpoints.cursor(transaction=False) as cursor:
            told = "SELECT COUNT(*) FROM said WHERE session = 'one'"
            assert cursor.execute(told).fetchone() == (0,)


def test_scripts_without_spaces_are_searched_as_they_stand(own_home, say):
    say("seoul", "이 사진은 무엇입니까?", "これは赤い丸です。")
    assert found(own_home, "赤い丸") == [("seoul", 1)]
    with Sessions(own_home) as sessions:
        (one,) = sessions.search("赤い丸")
    assert f"{OPEN}赤い丸{CLOSE}" in one.text


@pytest.mark.parametrize(
    "words", ['"', 'a" OR "b', "NEAR(", "text:x", "*", "^a", "a -b", "(", "🙂 ok"]
)
def test_what_is_no_query_is_no_error(own_home, say, words):
    say("s", "question", "a b x ok near text")
    try:
        assert found(own_home, words) in ([], [("s", 1)])
    except UsageError as error:
        assert "name the words to search for" in str(error)
