// Command once mints a token, verifies it, and verifies it again: the second time, it is refused.
package main

// #cgo pkg-config: xtoken
// #include <xtoken.h>
import "C"

import (
	"fmt"
	"log"
	"time"
	"unsafe"
)

func check(status C.xtoken_status) {
	if status != C.XTOKEN_OK {
		log.Fatal(C.GoString(C.xtoken_status_message(status)))
	}
}

// bytes returns a copy of text that C may read, and its length. It is never freed: a server makes
// its objects once.
func bytes(text string) (*C.char, C.size_t) {
	return C.CString(text), C.size_t(len(text))
}

func main() {
	seed, seedLen := bytes("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	secret, secretLen := bytes("at least 32 random bytes, as text or not")
	jid, jidLen := bytes("alice@example.com")
	now := C.uint64_t(time.Now().Unix())

	config := C.xtoken_config_new()
	defer C.xtoken_config_free(config)
	check(C.xtoken_config_add_key(config, seed, seedLen,
		(*C.uint8_t)(unsafe.Pointer(secret)), secretLen))
	var minter *C.xtoken_minter
	check(C.xtoken_minter_new(config, &minter))
	defer C.xtoken_minter_free(minter)
	var verifier *C.xtoken_verifier
	check(C.xtoken_verifier_new(config, &verifier))
	defer C.xtoken_verifier_free(verifier)

	var token [C.XTOKEN_TOKEN_SIZE_MAX]C.char
	length := C.size_t(len(token))
	check(C.xtoken_minter_mint(minter, jid, jidLen, now, &token[0], &length))
	fmt.Println("minted:", length, "bytes")
	for attempt := 0; attempt < 2; attempt++ {
		status := C.xtoken_verifier_verify(verifier, jid, jidLen, &token[0], length, now)
		fmt.Println("verified:", C.GoString(C.xtoken_status_name(status)))
	}
}
