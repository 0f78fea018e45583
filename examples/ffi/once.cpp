// Mints a token, verifies it, and verifies it again: the second time, it is refused.
//
//     c++ -std=c++17 -o once once.cpp $(pkg-config --cflags --libs xtoken)

#include <ctime>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <xtoken.h>

struct Free {
	void operator()(xtoken_config *config) const { xtoken_config_free(config); }
	void operator()(xtoken_minter *minter) const { xtoken_minter_free(minter); }
	void operator()(xtoken_verifier *verifier) const { xtoken_verifier_free(verifier); }
};
template <class T> using owned = std::unique_ptr<T, Free>;

static void check(xtoken_status status)
{
	if (status != XTOKEN_OK)
		throw std::runtime_error(xtoken_status_message(status));
}

int main()
{
	const std::string seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	const std::string secret = "at least 32 random bytes, as text or not";
	const std::string jid = "alice@example.com";
	const auto now = static_cast<uint64_t>(std::time(nullptr));

	owned<xtoken_config> config(xtoken_config_new());
	check(xtoken_config_add_key(config.get(), seed.data(), seed.size(),
	                            reinterpret_cast<const uint8_t *>(secret.data()), secret.size()));
	xtoken_minter *new_minter;
	check(xtoken_minter_new(config.get(), &new_minter));
	owned<xtoken_minter> minter(new_minter);
	xtoken_verifier *new_verifier;
	check(xtoken_verifier_new(config.get(), &new_verifier));
	owned<xtoken_verifier> verifier(new_verifier);

	std::string token(XTOKEN_TOKEN_SIZE_MAX, '\0');
	size_t length = token.size();
	check(xtoken_minter_mint(minter.get(), jid.data(), jid.size(), now, &token[0], &length));
	token.resize(length);
	std::cout << "minted: " << token.size() << " bytes\n";

	for (int attempt = 0; attempt < 2; attempt++) {
		xtoken_status status = xtoken_verifier_verify(verifier.get(), jid.data(), jid.size(),
		                                              token.data(), token.size(), now);
		std::cout << "verified: " << xtoken_status_name(status) << '\n';
	}
}
