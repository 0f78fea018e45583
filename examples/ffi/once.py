"""Mints a token, verifies it, and verifies it again: the second time, it is refused.

Uses ctypes, which is part of Python. It must be told every type: by default it passes int.
"""

import ctypes
import time
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint64, c_void_p

xtoken = ctypes.CDLL("libxtoken.so.0")


def declare(name, result, *arguments):
    function = getattr(xtoken, f"xtoken_{name}")
    function.restype, function.argtypes = result, arguments
    return function


BYTES = (c_char_p, c_size_t)
config_new = declare("config_new", c_void_p)
config_add_key = declare("config_add_key", c_int32, c_void_p, *BYTES, *BYTES)
config_free = declare("config_free", None, c_void_p)
minter_new = declare("minter_new", c_int32, c_void_p, POINTER(c_void_p))
minter_mint = declare(
    "minter_mint", c_int32, c_void_p, *BYTES, c_uint64, c_char_p, POINTER(c_size_t)
)
minter_free = declare("minter_free", None, c_void_p)
verifier_new = declare("verifier_new", c_int32, c_void_p, POINTER(c_void_p))
verifier_verify = declare("verifier_verify", c_int32, c_void_p, *BYTES, *BYTES, c_uint64)
verifier_free = declare("verifier_free", None, c_void_p)
status_name = declare("status_name", c_char_p, c_int32)
status_message = declare("status_message", c_char_p, c_int32)


def check(status):
    if status != 0:
        raise ValueError(status_message(status).decode())


seed = b"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
secret = b"at least 32 random bytes, as text or not"
jid = b"alice@example.com"
now = int(time.time())

config, minter, verifier = config_new(), c_void_p(), c_void_p()
check(config_add_key(config, seed, len(seed), secret, len(secret)))
check(minter_new(config, byref(minter)))
check(verifier_new(config, byref(verifier)))
config_free(config)

buffer = ctypes.create_string_buffer(1024)
length = c_size_t(len(buffer))
check(minter_mint(minter, jid, len(jid), now, buffer, byref(length)))
token = buffer.raw[: length.value]
print(f"minted: {len(token)} bytes")
for _ in range(2):
    status = verifier_verify(verifier, jid, len(jid), token, len(token), now)
    print("verified:", status_name(status).decode())

verifier_free(verifier)
minter_free(minter)
