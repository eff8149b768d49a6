#pragma once

#include <cstddef>

// The bounds on everything that the user pool sends. cognitod refuses an answer that passes one of
// them as a whole, and the log names the member that was too long. Each bound lies above the
// largest value that Amazon Cognito documents, because the service has raised limits before. Sizes
// are bytes of UTF-8. "Model" is the API reference,
// https://docs.aws.amazon.com/cognito-user-identity- pools/latest/APIReference/; "quotas" is
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html.
namespace pamcognito::cognito {

inline constexpr std::size_t kUtf8 = 4;  // bytes of a character, at most (RFC 3629)

// User names, group names and `sub`: 128 characters (model: UsernameType, GroupNameType). Names of
// challenges, devices and statuses are shorter.
inline constexpr std::size_t kMaxName = 128 * kUtf8;

// One attribute of a user, also as a claim of the ID token: 2,048 bytes (quotas).
inline constexpr std::size_t kMaxAttribute = 2048 * kUtf8;

// `cognito:groups`: 100 groups per user (quotas). A pre token generation trigger may add others.
// All names together, with two bytes for the length of each: twice what the quotas allow.
inline constexpr std::size_t kMaxGroups = 512;
inline constexpr std::size_t kMaxGroupsBytes = 2UL * 100 * (kMaxName + 2);

// A session string: 4,096 characters (model: SessionType; 2,048 until 2025), four times that.
inline constexpr std::size_t kMaxSession = 16UL * 1024;

// A refresh token has no documented size; tokens of about 1,800 bytes were seen.
inline constexpr std::size_t kMaxRefreshToken = 16UL * 1024;

// An ID token as large as the quotas allow holds 100 group names, the ARN of each group's role and
// of the preferred one (2,048 characters: model, ArnType), 20 standard and 50 custom attributes of
// 2,048 bytes with their names, and 4 KiB of other claims; base64url makes four characters of three
// bytes. kMaxToken is nearly twice that.
inline constexpr std::size_t kIdTokenByQuotas =
    (100 * (kMaxName + 3) + 101 * (2048 + 3) + 70 * (2048 + 64) + 4096) * 4 / 3;
inline constexpr std::size_t kMaxToken = 1024UL * 1024;
static_assert(kMaxToken * 10 > kIdTokenByQuotas * 18);

// Parameters of a challenge. The largest is `userAttributes` of NEW_PASSWORD_REQUIRED: all
// attributes as one JSON text, in which each character may be escaped by another one.
inline constexpr std::size_t kMaxParameters = 64;
inline constexpr std::size_t kMaxParameter = 320UL * 1024;
static_assert(kMaxParameter > 70 * (2 * 2048 + 64));
inline constexpr unsigned kMaxRequiredAttributes = 128;  // 70 attributes in all (quotas)
inline constexpr unsigned kMaxFactors = 16;              // there are three, and WebAuthn

// SECRET_BLOCK of PASSWORD_VERIFIER: no documented size; about 1,200 characters were seen.
inline constexpr std::size_t kMaxSecretBlock = 16UL * 1024;
inline constexpr int kMaxSaltBits = 1024;  // seen: 128

// The secret of a TOTP factor in base32: no documented size; 52 characters were seen.
inline constexpr std::size_t kMaxSecretCode = 512;

// A masked address to which a code was sent.
inline constexpr std::size_t kMaxDestination = 512;

// An answer as a whole: two tokens, a refresh token, a session and what surrounds them. The keys of
// the pool and errors are far smaller.
inline constexpr std::size_t kMaxAnswer =
    2 * kMaxToken + kMaxRefreshToken + kMaxSession + 64UL * 1024;
static_assert(kMaxAnswer > kMaxParameter + kMaxSession);
inline constexpr int kMaxJsonDepth = 32;  // the service nests four deep

// HTTP headers, together and one value; a longer value is cut.
inline constexpr std::size_t kMaxHeaderBytes = 32UL * 1024;
inline constexpr std::size_t kMaxHeaderValue = 256;

// Errors. The message is cut: it may quote a trigger's own text.
inline constexpr std::size_t kMaxErrorName = 256;
inline constexpr std::size_t kMaxErrorText = 1024;

// How much a person is shown of a text of the pool or of a trigger, three lines of a terminal, and
// of an address or a name. The rest is cut.
inline constexpr std::size_t kMaxShownReason = 256;
inline constexpr std::size_t kMaxShownName = 64;

// The pool's keys (JWKS): a pool has two, and a few more while they are replaced. Numbers are
// base64url digits; RSA keys of 2,048 to 8,192 bits.
inline constexpr unsigned kMaxKeys = 16;
inline constexpr std::size_t kMaxKeyId = 256;
inline constexpr std::size_t kMaxKeyNumber = 2048;

}  // namespace pamcognito::cognito
