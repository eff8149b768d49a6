#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/outcome.h"
#include "common/secret.h"
#include "common/text.h"  // printable()

namespace pamcognito {

// A frame is one datagram of the conversation between cognitod and its client, pam_cognito or
// cognitoctl, on an AF_UNIX SOCK_SEQPACKET pair: a byte for the type, a byte for the purpose, and
// the payload. The kernel delivers the length, so only the two bytes have to be parsed. Values are
// only ever appended, because an old module in a running screen locker meets a new cognitod.
enum class FrameType : std::uint8_t {
  // from cognitod to the client
  info = 1,
  error = 2,
  ask_hidden = 3,
  ask_visible = 4,
  outcome = 5,  // payload: u8 Outcome, 16-byte sign-in id
  // from the client to cognitod
  answer = 16,
  abort = 17,
  ack = 18,
  account = 19,  // once, after ack: the question of the account phase; an outcome answers it
};

// The meaning of the answer that cognitod asks for. It tells the module which answers may become
// PAM_AUTHTOK, and lets it refuse a password at a code prompt. The module never guesses the meaning
// from the text.
enum class Purpose : std::uint8_t {
  other = 0,
  password = 1,
  new_password = 2,
  new_password_again = 3,
  code = 4,
  choice = 5,
  password_and_code = 6,  // for hosts with one prompt: the password, '+', six digits
};

// The longest text is the set-up of an authenticator app with its QR code.
inline constexpr std::size_t kMaxDatagram = 16UL * 1024;
inline constexpr std::size_t kMaxText = kMaxDatagram - 2;
inline constexpr std::size_t kSignInIdSize = 16;

using SignInId = std::array<std::uint8_t, kSignInIdSize>;

// A frame from cognitod, as the client receives it.
struct DaemonFrame {
  FrameType type = FrameType::outcome;
  Purpose purpose = Purpose::other;
  std::string text;  // info, error, ask-*: UTF-8 without control characters except newline
  Outcome outcome = Outcome::unforeseen;  // type outcome
  SignInId sign_in_id{};                  // type outcome
};

// A frame from the client, as cognitod receives it.
struct ModuleFrame {
  FrameType type = FrameType::abort;
  Secret answer;                     // type answer
  Purpose purpose = Purpose::other;  // type answer: the purpose of the question it answers
};

enum class FrameError : std::uint8_t {
  closed,       // the peer has closed its end
  would_block,  // nothing to receive, or no room to send
  system,       // see errno
  malformed,    // too long, truncated, ancillary data, a NUL in a text, unknown type or purpose
};

// The send functions send one datagram each, without blocking and without SIGPIPE.
std::expected<void, FrameError> send_text(int socket, FrameType type, Purpose purpose,
                                          std::string_view text) noexcept;
std::expected<void, FrameError> send_outcome(int socket, Outcome outcome,
                                             const SignInId& id) noexcept;
std::expected<void, FrameError> send_answer(int socket, Purpose purpose,
                                            const Secret& answer) noexcept;
std::expected<void, FrameError> send_signal(int socket,
                                            FrameType type) noexcept;  // abort, ack, account

// The receive functions receive one datagram each, without blocking, and wipe their buffer.
std::expected<DaemonFrame, FrameError> receive_from_daemon(int socket);
std::expected<ModuleFrame, FrameError> receive_from_module(int socket) noexcept;

}  // namespace pamcognito
