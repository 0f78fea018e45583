// Command mint mints the tokens with which the users of a web application log in to Prosody.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Mint returns a fresh token for jid, a prepared "user@host".
func Mint(jid, otpSeed, tokenSecret string) (string, error) {
	now := time.Now().Unix()
	nonce, err := newNonce(now)
	if err != nil {
		return "", err
	}
	return mintAt(now, nonce, jid, otpSeed, tokenSecret)
}

func newNonce(now int64) (string, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)
	random, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%012d%020d", now, random), nil
}

func mintAt(now int64, nonce, jid, otpSeed, tokenSecret string) (string, error) {
	if !isPrepared(jid) {
		return "", errors.New("the JID is not a prepared user@host: write it in lower case, " +
			"without spaces or a /resource, and without \"&'/:<>@ in the user")
	}
	unpadded := strings.TrimRight(strings.ToUpper(otpSeed), "=")
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(unpadded)
	if err != nil {
		return "", fmt.Errorf("the OTP seed is not base32: %w", err)
	}
	if len(seed) == 0 || tokenSecret == "" {
		return "", errors.New("the OTP seed or the token secret is empty")
	}
	if now >= 1_000_000_000_000 {
		return "", errors.New("the time is not in seconds")
	}
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(now/30))
	digest := mac(sha1.New, seed, step[:])
	offset := digest[len(digest)-1] & 15
	otp := (binary.BigEndian.Uint32(digest[offset:]) & 0x7fffffff) % 100_000_000

	digits := fmt.Sprintf("%08d%s", otp, nonce)
	signature := mac(sha256.New, []byte(tokenSecret), []byte(digits+jid))
	return digits + " " + base64.StdEncoding.EncodeToString(signature), nil
}

var shape = regexp.MustCompile(`^[^\p{Z}\p{Cc}"&'/:<>@]+@[^\p{Z}\p{Cc}/@]+$`)

// Latin, Greek, Cyrillic, Armenian. Prosody does not lower-case every other capital.
var letters = regexp.MustCompile(`[A-\x{233}\x{386}-\x{3ab}\x{400}-\x{42f}\x{531}-\x{556}]`)

// isPrepared returns whether jid has the shape of a prepared "user@host".
func isPrepared(jid string) bool {
	for _, letter := range letters.FindAllString(jid, -1) {
		if letter != strings.ToLower(letter) {
			return false
		}
	}
	return utf8.ValidString(jid) && shape.MatchString(jid)
}

func mac(hash func() hash.Hash, key, message []byte) []byte {
	h := hmac.New(hash, key)
	h.Write(message)
	return h.Sum(nil)
}

func main() {
	otpSeed, tokenSecret := os.Getenv("XTOKEN_OTP_SEED"), os.Getenv("XTOKEN_TOKEN_SECRET")
	token, err := fromCommandLine(os.Args[1:], otpSeed, tokenSecret)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mint:", err)
		os.Exit(2)
	}
	fmt.Println(token)
}

func fromCommandLine(args []string, otpSeed, tokenSecret string) (string, error) {
	if len(args) < 1 || len(args) > 3 {
		return "", errors.New("usage: mint JID [UNIX_TIME [NONCE]]," +
			" with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set")
	}
	now := time.Now().Unix()
	if len(args) > 1 {
		given, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return "", err
		}
		now = given
	}
	nonce, err := newNonce(now)
	if err != nil {
		return "", err
	}
	if len(args) > 2 {
		nonce = args[2]
	}
	return mintAt(now, nonce, args[0], otpSeed, tokenSecret)
}
