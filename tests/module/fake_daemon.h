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

// What the fake daemon saw; in memory that it shares with the test.
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
  std::array<char, 1024> facts{};  // "ruid=0 tty=… " in the order they came
  std::array<std::uint8_t, kSignInIdSize> id{};
  std::size_t id_size = 0;
  std::size_t frame_count = 0;
  std::array<Frame, 100> frames{};

  // "answer(password)=secret answer(code)=123456 ack closed": what came over the socket.
  [[nodiscard]] std::string transcript() const;
};

// The daemon's end of one sign-in's socket, for a script.
class Peer {
 public:
  Peer(Fd socket, Record* record) : socket_(std::move(socket)), record_(record) {}

  void info(std::string_view text) { text_frame(FrameType::info, Purpose::other, text); }
  void error(std::string_view text) { text_frame(FrameType::error, Purpose::other, text); }
  // Asks and waits for the answer. False: the module did something else.
  bool ask(Purpose purpose,
           std::string_view text = "Password: ", FrameType type = FrameType::ask_hidden);
  void ask_only(Purpose purpose, std::string_view text = "Password: ");
  void outcome(Outcome outcome);
  void success();  // and waits for the ack
  // The answer to the question about the account.
  void account(Outcome outcome);
  // Waits for the question, too.
  void answer_account(Outcome outcome);
  // The same in a process of its own, so that the daemon is there for the bus meanwhile.
  void answer_account_in_background(Outcome outcome);
  void raw(const std::string& datagram);
  void raw_with_descriptor(const std::string& datagram);
  // The next frame of the module goes into the record. False: it hung up, or nothing came in 30 s.
  bool receive();
  // Like ask(), but for the record; for scripts that are played more often than it can hold.
  void ask_unrecorded(Purpose purpose);
  // The next frame of the module, unrecorded.
  void pass_over();
  // Until the module hangs up.
  void drain();
  // Never comes back; ended by a signal.
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
  const char* open_error = nullptr;    // an error's name instead of a socket
  const char* check_error = nullptr;   // the same for CheckAccount
  bool malformed_replies = false;      // of another signature
  int wrong_socket_type = 0;           // e.g. SOCK_STREAM
  bool silent = false;                 // never replies
  const char* login_error = nullptr;   // the same for OpenLogin and CloseLogin
  bool silent_logins = false;          // never replies to those two
  Outcome account = Outcome::success;  // what CheckAccount answers
};

// A process that owns org.pamcognito.Auth1 on the private bus and plays a script for each sign-in
// and change of a password.
class FakeDaemon {
 public:
  using Script = std::function<void(Peer&)>;

  explicit FakeDaemon(Script script = {}, FakeDaemonSettings settings = {});
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;
  ~FakeDaemon();

  [[nodiscard]] const Record& record() const { return *record_; }
  // Until one more script has been played to its end, its record complete.
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
