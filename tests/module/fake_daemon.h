#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/frame.h"
#include "tests/module/sandbox.h"

namespace pamcognito::test {

// The observations of the fake daemon, in memory that it shares with the test.
struct Record {
  struct Frame {
    FrameType type;
    Purpose purpose;
    std::array<char, 512> answer;
  };
  int opened = 0;         // calls of OpenSignIn
  int changing = 0;       // calls of OpenPasswordChange
  int checked = 0;        // calls of CheckAccount
  int logins_opened = 0;  // calls of OpenLogin
  int logins_closed = 0;  // calls of CloseLogin
  std::array<char, 64> user{};
  std::array<char, 128> service{};
  std::array<char, 1024> facts{};  // "ruid=0 tty=… " in the order of arrival
  std::array<std::uint8_t, kSignInIdSize> id{};
  std::size_t id_size = 0;
  std::size_t frame_count = 0;
  std::array<Frame, 100> frames{};

  // The frames on the socket, such as "answer(password)=secret answer(code)=123456 ack closed".
  [[nodiscard]] std::string transcript() const;
};

// The daemon's end of a conversation, for use by a script.
class Peer {
 public:
  Peer(Fd socket, Record* record) : socket_(std::move(socket)), record_(record) {}

  void info(std::string_view text) { text_frame(FrameType::info, Purpose::other, text); }
  void error(std::string_view text) { text_frame(FrameType::error, Purpose::other, text); }
  // Asks and waits for the answer. Returns false if the module has sent something else.
  bool ask(Purpose purpose,
           std::string_view text = "Password: ", FrameType type = FrameType::ask_hidden);
  void ask_only(Purpose purpose, std::string_view text = "Password: ");
  void outcome(Outcome outcome);
  void success();  // and waits for the acknowledgement
  // Sends the answer to the account question.
  void account(Outcome outcome);
  // Waits for the account question and answers it.
  void answer_account(Outcome outcome);
  // Does the same in another process, so that the daemon can serve the bus meanwhile.
  void answer_account_in_background(Outcome outcome);
  void raw(const std::string& datagram);
  void raw_with_descriptor(const std::string& datagram);
  // Records the next frame of the module. Returns false if the module has closed the socket or has
  // sent nothing for 30 s.
  bool receive();
  // Like ask(), but without recording: for scripts that run more often than the record can hold.
  void ask_unrecorded(Purpose purpose);
  // Receives the next frame without recording it.
  void pass_over();
  // Records frames until the module closes the socket.
  void drain();
  // Never returns; a signal ends the process.
  [[noreturn]] static void hang();
  [[noreturn]] static void die();
  void hang_up() { socket_.reset(); }

 private:
  void text_frame(FrameType type, Purpose purpose, std::string_view text);

  Fd socket_;
  Record* record_;
};

// The sign-in id of every success.
inline constexpr SignInId kSignInId = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct FakeDaemonSettings {
  std::uint32_t deadline_s = 60;
  const char* open_error = nullptr;    // the name of an error, sent instead of a socket
  const char* check_error = nullptr;   // the same for CheckAccount
  bool malformed_replies = false;      // with a wrong signature
  int wrong_socket_type = 0;           // such as SOCK_STREAM
  bool silent = false;                 // never replies
  const char* login_error = nullptr;   // the same for OpenLogin and CloseLogin
  bool silent_logins = false;          // never replies to OpenLogin and CloseLogin
  Outcome account = Outcome::success;  // the answer of CheckAccount
};

// A process that owns org.pamcognito.Auth1 on the private bus and plays a script for each sign-in
// and each password change.
class FakeDaemon {
 public:
  using Script = std::function<void(Peer&)>;

  explicit FakeDaemon(Script script = {}, FakeDaemonSettings settings = {});
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;
  ~FakeDaemon();

  [[nodiscard]] const Record& record() const { return *record_; }
  // Waits until one more script has ended and its record is complete.
  void wait_for_script();
  void signal(int number) const { child_.signal(number); }
  void kill() { child_.kill(); }

 private:
  [[noreturn]] void serve();

  Script script_;
  FakeDaemonSettings settings_;
  Record* record_;
  Fd events_read_;
  Fd events_write_;
  Child child_;
};

}  // namespace pamcognito::test
