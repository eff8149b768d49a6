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

// The conversation between module and daemon: one datagram on an AF_UNIX SOCK_SEQPACKET pair is one
// frame, u8 type, u8 purpose, payload. The length is the kernel's, so there is nothing to parse
// beyond the two bytes. All values are append-only.
enum class FrameType : std::uint8_t {
  // daemon to module
  info = 1,
  error = 2,
  ask_hidden = 3,
  ask_visible = 4,
  outcome = 5,  // payload: u8 Outcome, 16-byte sign-in id
  // module to daemon
  answer = 16,
  abort = 17,
  ack = 18,
  account = 19,  // after ack, once: may the account of this sign-in go on? Answered by an outcome
};

// What an answer is for. The module needs it to keep a password out of a code prompt and to know
// what may become PAM_AUTHTOK; it never guesses from the text.
enum class Purpose : std::uint8_t {
  other = 0,
  password = 1,
  new_password = 2,
  new_password_again = 3,
  code = 4,
  choice = 5,
  password_and_code = 6,  // one prompt only: the password, '+', six digits
};

// The longest text is the set-up of an authenticator app with its QR code.
inline constexpr std::size_t kMaxDatagram = 16UL * 1024;
inline constexpr std::size_t kMaxText = kMaxDatagram - 2;
inline constexpr std::size_t kSignInIdSize = 16;

using SignInId = std::array<std::uint8_t, kSignInIdSize>;

// A frame of the daemon, as the module sees it.
struct DaemonFrame {
  FrameType type = FrameType::outcome;
  Purpose purpose = Purpose::other;
  std::string text;                       // info, error, ask-*: UTF-8 without control characters
                                          // but newline
  Outcome outcome = Outcome::unforeseen;  // outcome
  SignInId sign_in_id{};                  // outcome
};

// A frame of the module, as the daemon sees it.
struct ModuleFrame {
  FrameType type = FrameType::abort;
  Secret answer;                     // answer
  Purpose purpose = Purpose::other;  // answer: what the module took the question for
};

enum class FrameError : std::uint8_t {
  closed,  // the peer is gone
  would_block,
  system,     // errno says what
  malformed,  // too long, truncated, ancillary data, a NUL in a text, unknown type or purpose
};

// Each sends one datagram without blocking and without SIGPIPE.
std::expected<void, FrameError> send_text(int socket, FrameType type, Purpose purpose,
                                          std::string_view text) noexcept;
std::expected<void, FrameError> send_outcome(int socket, Outcome outcome,
                                             const SignInId& id) noexcept;
std::expected<void, FrameError> send_answer(int socket, Purpose purpose,
                                            const Secret& answer) noexcept;
std::expected<void, FrameError> send_signal(int socket,
                                            FrameType type) noexcept;  // abort, ack, account

// Each receives one datagram without blocking. Whatever passed through a buffer here is wiped.
std::expected<DaemonFrame, FrameError> receive_from_daemon(int socket);
std::expected<ModuleFrame, FrameError> receive_from_module(int socket) noexcept;

}  // namespace pamcognito
