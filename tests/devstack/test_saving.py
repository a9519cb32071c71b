"""The contents of a stack survive kills of its emulator, another port, and files that a kill cut short."""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.harness.devstack.emulated import QUEUE, TABLE, Stack
from tidegate_devstack import LocalStackError

WITHIN_SECONDS = 3.0  # docs/guides/local-stack.md says when each kind of data is saved
HIDDEN_SECONDS = 40  # longer than a restart takes on a busy machine


def test_items_outlive_a_kill(stack: Stack) -> None:
    stack.start()
    stack.make_table()
    stack.put("first", "second", "gone")
    stack.client("dynamodb").delete_item(TableName=TABLE, Key={"id": {"S": "gone"}})
    time.sleep(WITHIN_SECONDS)
    stack.kill()
    stack.start()
    assert stack.held() == {"first", "second"}


def test_items_outlive_kills_in_a_row_and_a_stop(stack: Stack) -> None:
    stack.start()
    stack.make_table()
    stack.put("one")
    for name in ("two", "three"):
        time.sleep(WITHIN_SECONDS)
        stack.kill()
        stack.start()
        stack.put(name)
    stack.put("four")
    stack.stop()  # at once: unsaved data is saved now
    stack.start()
    assert stack.held() == {"one", "two", "three", "four"}


def test_messages_outlive_a_kill_in_flight_or_not(stack: Stack) -> None:
    stack.start()
    queue = stack.client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    for body in ("waits", "is in flight"):
        stack.client("sqs").send_message(QueueUrl=queue, MessageBody=body)
    hidden_until_s = time.monotonic() + HIDDEN_SECONDS
    taken = stack.client("sqs").receive_message(QueueUrl=queue, VisibilityTimeout=HIDDEN_SECONDS)["Messages"][
        0
    ]
    time.sleep(WITHIN_SECONDS)
    stack.kill()
    stack.start()
    now = stack.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=60)
    assert len(now["Messages"]) == 1
    assert now["Messages"][0]["Body"] != taken["Body"]
    time.sleep(max(0.0, hidden_until_s - time.monotonic()))
    later = stack.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)
    assert [message["Body"] for message in later["Messages"]] == [taken["Body"]]


def test_functions_and_their_code_outlive_a_kill(stack: Stack) -> None:
    stack.start()
    stack.make_function("def handler(event, context):\n    return {'doubled': 2 * event}\n" + "#" * 100_000)
    time.sleep(WITHIN_SECONDS + 5)
    stack.kill()
    stack.start()
    assert stack.invoke(21) == {"doubled": 42}


def test_the_state_moves_to_another_port_when_the_old_one_is_taken(stack: Stack) -> None:
    before = stack.start()
    stack.make_table()
    stack.put("kept")
    queue = stack.client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    body = f"see {queue}"
    stack.client("sqs").send_message(QueueUrl=queue, MessageBody=body)
    stack.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", before.port))
        taken.listen()
        after = stack.start()
    assert after.port != before.port
    assert any(f"port {before.port} was taken" in line for line in stack.said)
    assert stack.held() == {"kept"}
    moved = queue.replace(str(before.port), str(after.port))
    assert stack.client("sqs").list_queues()["QueueUrls"] == [moved]
    messages = stack.client("sqs").receive_message(QueueUrl=moved)["Messages"]
    assert [message["Body"] for message in messages] == [body], "what users wrote is not rewritten"


def test_an_end_that_was_cut_short_is_kept_aside_and_told(stack: Stack) -> None:
    stack.start()
    stack.make_table()
    stack.put("whole")
    time.sleep(WITHIN_SECONDS)
    stack.kill()
    journal = max(stack.places.saved_items.glob("journal-*"))
    cut = b'00000000 [["half'
    with journal.open("ab") as file:
        file.write(cut)
    stack.start()
    assert stack.held() == {"whole"}
    (kept,) = stack.places.kept_aside.rglob("journal-*")
    assert kept.read_bytes().endswith(cut)
    assert any(str(kept) in line for line in stack.said)


def test_a_broken_file_stops_the_start_until_the_user_says_salvage(stack: Stack) -> None:
    stack.start()
    stack.make_table()
    for item_id in ("one", "two", "three"):
        stack.put(item_id)
        time.sleep(0.6)
    time.sleep(WITHIN_SECONDS)
    stack.kill()
    journal = max(stack.places.saved_items.glob("journal-*"))
    good = journal.read_bytes()
    broken = good.replace(b"two", b"tvo")
    journal.write_bytes(broken)
    with pytest.raises(LocalStackError, match="--salvage"):
        stack.start()
    assert journal.read_bytes() == broken, "nothing is changed unasked"
    stack.start(salvage=True)
    assert "one" in stack.held()
    assert [kept.read_bytes() for kept in stack.places.kept_aside.rglob("journal-*")] == [broken]


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"payload": 7})])
def test_a_broken_file_of_a_service_stops_the_start(stack: Stack, content: str) -> None:
    stack.start()
    stack.make_table()
    stack.stop()
    file = stack.places.state / "dynamodb.json"
    good = file.read_text(encoding="utf-8")
    file.write_text(content, encoding="utf-8")
    with pytest.raises(LocalStackError, match="down --wipe"):
        stack.start()
    assert file.read_text(encoding="utf-8") == content
    file.write_text(good, encoding="utf-8")
    stack.start()
    assert stack.held() == set()


def test_two_stacks_live_and_die_side_by_side(stack: Stack) -> None:
    other = Stack.at(stack.places.home.with_name("other"))
    try:
        for each in (stack, other):
            each.start()
            each.make_table()
            each.put(each.places.home.name)
        time.sleep(WITHIN_SECONDS)
        stack.kill()
        stack.start()
        assert (stack.held(), other.held()) == ({"home"}, {"other"})
        assert stack.stop()
        assert other.held() == {"other"}
    finally:
        other.stop()
