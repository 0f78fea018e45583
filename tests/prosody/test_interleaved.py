"""Logins while modules, options, accounts and the host change, in random order.

Each client gets one answer, nothing fails, and nobody logs in who may not.
"""

import random

import pytest
from client import SASL, SASL2, STREAM, Client, StreamClosed
from mint import mint, new_key
from redis_server import Redis
from server import PATIENCE, eventually

STEPS = 14


class World:
    """A server whose ledger answers when it is told to, and what must be true of its logins."""

    def __init__(self, server, redis, key, chance):
        self.server, self.redis, self.chance = server, redis, chance
        self.keys = {"first": key, "second": new_key()}
        self.in_force = "first"
        self.is_active = True
        self.is_disabled = False
        self.waiting = []
        self.log_ins = 0

    # --- What may happen

    def log_in(self):
        if not self.is_active:
            return
        client = Client(self.server.port, "localhost", "alice")
        name = self.chance.choice(list(self.keys))
        token = mint("alice@localhost", self.keys[name])
        if self.chance.random() < 0.5:
            client.send_sasl2(f"\0alice\0{token}".encode())
        else:
            client.log_in_later("alice", token)
        self.log_ins += 1
        eventually(
            lambda: self.server.log().count("Received[c2s_unauthed]: <auth") == self.log_ins,
            PATIENCE,
            "the login has come",
        )
        # What was so at any moment since may be why a login is refused. A success must be right in
        # the end.
        self.waiting.append((client, name, {self.refusal(name)}))

    def reload_module(self):
        if self.is_active:
            module = self.chance.choice(["auth_token", "sasl_token", "sasl2"])
            assert "Reloaded" in self.server.reload_module("localhost", module)

    def change_keys(self):
        self.in_force = self.chance.choice(list(self.keys))
        self.server.hosts["localhost"].update(
            zip(("otp_seed", "token_secret"), self.keys[self.in_force])
        )
        self.server.write_config()
        self.server.reload_config()

    def disable(self):
        self.set_disabled(True)

    def enable(self):
        self.set_disabled(False)

    def set_disabled(self, is_disabled):
        # 0.12 has no such command, but respects the mark that 13.0 leaves.
        self.is_disabled = is_disabled
        account = self.server.folder / "localhost/accounts/alice.dat"
        account.write_text("return { disabled = %s };" % str(is_disabled).lower())

    def deactivate(self):
        if self.is_active:
            assert "Result: true" in self.server.shell('host:deactivate("localhost")')
            self.is_active = False

    def activate(self):
        if not self.is_active:
            assert "Result: true" in self.server.shell('host:activate("localhost")')
            self.is_active = True

    def answer(self):
        """Lets the ledger answer, and checks what each client hears."""
        self.redis.resume()
        for client, name, refusals in self.waiting:
            heard = self.heard(client)
            if heard == "success":
                assert self.refusal(name) is None, name
            else:
                # A refusal has a reason, at some moment.
                assert refusals - {None}, heard
            client.socket.close()
        self.waiting = []
        self.redis.pause()

    # --- What is so

    def refusal(self, name):
        if not self.is_active:
            return "host-gone"
        elif name != self.in_force:
            return "bad-signature"
        return "account-disabled" if self.is_disabled else None

    def heard(self, client):
        """Returns the one answer that a client gets, and checks that no second one follows."""
        reply = client.receive()
        if reply.tag == SASL + "success":
            client.open_stream()
            return "success"
        elif reply.tag == SASL2 + "success":
            assert client.receive().tag == STREAM + "features"
            return "success"
        elif reply.tag == STREAM + "error":
            with pytest.raises(StreamClosed):
                client.receive()
        else:
            assert reply.tag in (SASL + "failure", SASL2 + "failure")
            client.send("<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>")
            last = client.receive()
            # A stream without a host is closed by what it says next.
            assert last.get("id") == "last" or last.tag == STREAM + "error"
        return reply[0].tag.rpartition("}")[2]


@pytest.mark.parametrize("seed", range(3))
def test_logins_while_everything_changes(with_modules, key, seed):
    seed += 1000 * random.randrange(1000)
    chance = random.Random(seed)
    with Redis() as redis:
        redis.has_been_there()
        with with_modules("sasl2", token_ledger=redis.url(), token_ledger_timeout=60) as server:
            (server.folder / "localhost/accounts").mkdir(parents=True, exist_ok=True)
            world = World(server, redis, key, chance)
            world.log_in()
            world.answer()
            changes = [
                world.reload_module,
                world.change_keys,
                world.disable,
                world.enable,
                world.deactivate,
                world.activate,
            ]
            story = [f"seed {seed}"]
            try:
                for _ in range(STEPS):
                    change = chance.choice([*changes, *3 * [world.log_in], world.answer])
                    story.append(change.__name__)
                    change()
                    for _, name, refusals in world.waiting:
                        refusals.add(world.refusal(name))
                story.append("answer")
                world.answer()
                world.activate()
                assert "raceback" not in server.log()
            except BaseException as err:
                raise AssertionError(f"{' '.join(story)}: {err!r}") from err
