"""A webhook: records what is posted and answers as told, in clear or over TLS."""
import json
import time

from posted_to import PostedTo
from waiting import wait_until


class Posted:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.monotonic()
        self.json = json.loads(body)

    event = property(lambda self: self.json.get("event"))
    text = property(lambda self: self.json["text"])

    def __repr__(self):
        return f"<{self.path} {self.body[:300]}>"


class Webhook(PostedTo):
    def __init__(self, pair=None):
        self.posted = []
        super().__init__(pair)

    def take(self, path, headers, body, answer):
        self.posted.append(Posted(path, headers, body))

    def url(self, path="/services/T0SECRETTEAM/B0SECRETHOOK/s3cretW0rdOfSlack"):
        return self.address + path

    def told(self, event=None):
        return [one for one in list(self.posted) if event in (None, one.event)]

    def wait_for(self, event=None, count=1, timeout=30):
        wait_until(lambda: len(self.told(event)) >= count, timeout, lambda: f"{count} of {event}; told: {self.posted}")
        return self.told(event)[-1]
