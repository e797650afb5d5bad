"""A queue of messages with headers, in a SQLite file: durable, for many processes, and without a server to run.
Kafka, RabbitMQ and SQS have headers (or attributes) of messages too; the context goes into those in the same way."""
import json
import sqlite3
import time
from typing import Any, NamedTuple


class Message(NamedTuple):
    headers: dict[str, str]
    body: Any


class Queue:
    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, topic TEXT, headers TEXT, body TEXT)")

    def send(self, topic: str, headers: dict[str, str], body: Any) -> None:
        self._db.execute("INSERT INTO messages (topic, headers, body) VALUES (?, ?, ?)", (topic, json.dumps(headers), json.dumps(body)))

    def receive(self, topic: str, patience: float = 60) -> Message:
        """Takes the oldest message of the topic, waiting for one."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            row = self._db.execute(
                "DELETE FROM messages WHERE id = (SELECT min(id) FROM messages WHERE topic = ?) RETURNING headers, body", (topic,)).fetchone()
            if row:
                return Message(json.loads(row[0]), json.loads(row[1]))
            time.sleep(0.05)
        raise TimeoutError(f"no message of {topic} in {patience} s")
