#include "tests/module/fake_daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/bus_names.h"
#include "tests/descriptors.h"

namespace pamcognito::test {
namespace {

void must(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "fake daemon: %s: %s\n", what, std::strerror(-result));
  std::abort();
}

template <std::size_t Size>
void keep(std::array<char, Size>* place, std::string_view text) {
  place->fill('\0');
  std::ranges::copy(text.substr(0, Size - 1), place->begin());
}

const char* name_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::other:
      return "other";
    case Purpose::password:
      return "password";
    case Purpose::new_password:
      return "new_password";
    case Purpose::new_password_again:
      return "new_password_again";
    case Purpose::code:
      return "code";
    case Purpose::choice:
      return "choice";
    case Purpose::password_and_code:
      return "password_and_code";
  }
  return "?";
}

std::string read_facts(sd_bus_message* call) {
  std::string facts;
  must(::sd_bus_message_enter_container(call, 'a', "{sv}"), "facts");
  while (::sd_bus_message_enter_container(call, 'e', "sv") > 0) {
    const char* key = nullptr;
    const char* signature = nullptr;
    must(::sd_bus_message_read(call, "s", &key), "key");
    must(::sd_bus_message_peek_type(call, nullptr, &signature), "type");
    facts.append(key).append("=");
    if (*signature == 's') {
      const char* text = nullptr;
      must(::sd_bus_message_read(call, "v", "s", &text), "text");
      facts.append(text);
    } else {
      std::uint32_t number = 0;
      must(::sd_bus_message_read(call, "v", "u", &number), "number");
      facts.append(std::to_string(number));
    }
    facts.append(" ");
    must(::sd_bus_message_exit_container(call), "entry");
  }
  must(::sd_bus_message_exit_container(call), "facts' end");
  return facts;
}

struct Serving {
  FakeDaemon::Script* script;
  const FakeDaemonSettings* settings;
  Record* record;
  int script_done;  // a byte is written here
};

int open_conversation(sd_bus_message* call, const Serving& serving) {
  const char* user = nullptr;
  const char* service = nullptr;
  must(::sd_bus_message_read(call, "ss", &user, &service), "user and service");
  keep(&serving.record->user, user);
  keep(&serving.record->service, service);
  keep(&serving.record->facts, read_facts(call));
  const FakeDaemonSettings& settings = *serving.settings;
  if (settings.silent) return 1;
  if (settings.open_error != nullptr)
    return ::sd_bus_reply_method_errorf(call, settings.open_error, "as scripted");
  if (settings.malformed_replies) return ::sd_bus_reply_method_return(call, "us", 1U, "x");

  int ends[2];
  const int type = settings.wrong_socket_type != 0 ? settings.wrong_socket_type : SOCK_SEQPACKET;
  must(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "socketpair");
  Peer peer(Fd(ends[0]), serving.record);
  must(::sd_bus_reply_method_return(call, "hu", ends[1], settings.deadline_s), "reply");
  must(::sd_bus_flush(::sd_bus_message_get_bus(call)), "flush");
  (void)::close(ends[1]);
  if (*serving.script) (*serving.script)(peer);
  peer.hang_up();
  (void)!::write(serving.script_done, "s", 1);
  return 1;
}

int open_sign_in(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
  const auto& serving = *static_cast<Serving*>(userdata);
  ++serving.record->opened;
  return open_conversation(call, serving);
}

int open_password_change(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
  const auto& serving = *static_cast<Serving*>(userdata);
  ++serving.record->changing;
  return open_conversation(call, serving);
}

// Reads the user, the service, the sign-in id if the method has one, and the facts.
void read_call(sd_bus_message* call, Record* record, bool has_id) {
  const char* user = nullptr;
  const char* service = nullptr;
  const void* id = nullptr;
  std::size_t size = 0;
  must(::sd_bus_message_read(call, "ss", &user, &service), "user and service");
  if (has_id) must(::sd_bus_message_read_array(call, 'y', &id, &size), "id");
  keep(&record->user, user);
  keep(&record->service, service);
  keep(&record->facts, read_facts(call));
  record->id_size = size;
  if (size == kSignInIdSize) std::memcpy(record->id.data(), id, size);
}

int answer_login(sd_bus_message* call, const FakeDaemonSettings& settings) {
  if (settings.silent_logins) return 1;
  if (settings.login_error != nullptr)
    return ::sd_bus_reply_method_errorf(call, settings.login_error, "as scripted");
  return ::sd_bus_reply_method_return(call, "");
}

int open_login(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
  const auto& serving = *static_cast<Serving*>(userdata);
  ++serving.record->logins_opened;
  read_call(call, serving.record, true);
  return answer_login(call, *serving.settings);
}

int close_login(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
  const auto& serving = *static_cast<Serving*>(userdata);
  ++serving.record->logins_closed;
  read_call(call, serving.record, false);
  return answer_login(call, *serving.settings);
}

int check_account(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
  const auto& serving = *static_cast<Serving*>(userdata);
  ++serving.record->checked;
  read_call(call, serving.record, true);
  const FakeDaemonSettings& settings = *serving.settings;
  if (settings.silent) return 1;
  if (settings.check_error != nullptr)
    return ::sd_bus_reply_method_errorf(call, settings.check_error, "as scripted");
  if (settings.malformed_replies) return ::sd_bus_reply_method_return(call, "u", 1U);
  return ::sd_bus_reply_method_return(call, "y", static_cast<std::uint8_t>(settings.account));
}

const sd_bus_vtable kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("OpenSignIn", "ssa{sv}", "hu", &open_sign_in, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("OpenPasswordChange", "ssa{sv}", "hu", &open_password_change,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CheckAccount", "ssaya{sv}", "y", &check_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("OpenLogin", "ssaya{sv}", "", &open_login, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CloseLogin", "ssa{sv}", "", &close_login, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

}  // namespace

std::string Record::transcript() const {
  std::string text;
  for (std::size_t i = 0; i < frame_count; ++i) {
    const Frame& frame = frames[i];
    if (!text.empty()) text += ' ';
    switch (frame.type) {
      case FrameType::answer:
        text.append("answer(").append(name_of(frame.purpose)).append(")=");
        text += frame.answer.data();
        break;
      case FrameType::abort:
        text += "abort";
        break;
      case FrameType::ack:
        text += "ack";
        break;
      case FrameType::account:
        text += "account";
        break;
      default:
        text += "closed";
        break;
    }
  }
  return text;
}

void Peer::text_frame(FrameType type, Purpose purpose, std::string_view text) {
  (void)send_text(socket_.get(), type, purpose, text);
}

void Peer::ask_only(Purpose purpose, std::string_view text) {
  text_frame(FrameType::ask_hidden, purpose, text);
}

bool Peer::ask(Purpose purpose, std::string_view text, FrameType type) {
  text_frame(type, purpose, text);
  return receive() && record_->frames[record_->frame_count - 1].type == FrameType::answer;
}

void Peer::outcome(Outcome outcome) {
  (void)send_outcome(socket_.get(), outcome, kSignInId);
}

void Peer::success() {
  outcome(Outcome::success);
  (void)receive();
}

void Peer::account(Outcome outcome) {
  (void)send_outcome(socket_.get(), outcome, {});
}

void Peer::answer_account(Outcome outcome) {
  if (receive()) account(outcome);
}

void Peer::answer_account_in_background(Outcome outcome) {
  if (::fork() != 0) return;
  answer_account(outcome);
  ::_exit(0);
}

void Peer::raw(const std::string& datagram) {
  (void)::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
}

void Peer::raw_with_descriptor(const std::string& datagram) {
  const int fd = socket_.get();
  (void)send_with_descriptors(fd, datagram, {&fd, 1});
}

bool Peer::receive() {
  constexpr int patience_ms = 30'000;
  pollfd poll{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&poll, 1, patience_ms) <= 0 || record_->frame_count == record_->frames.size())
    return false;
  const auto frame = receive_from_module(socket_.get());
  Record::Frame& kept = record_->frames[record_->frame_count++];
  kept.type = frame ? frame->type
                    : FrameType::outcome;  // stands for "closed", as no module sends an outcome
  if (!frame) return false;
  kept.purpose = frame->purpose;
  keep(&kept.answer, frame->answer.reveal());
  return true;
}

void Peer::ask_unrecorded(Purpose purpose) {
  ask_only(purpose);
  pass_over();
}

void Peer::pass_over() {
  pollfd poll{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&poll, 1, -1);
  (void)receive_from_module(socket_.get());
}

void Peer::drain() {
  char byte = 0;
  while (::recv(socket_.get(), &byte, 1, 0) > 0) {
  }
}

void Peer::hang() {
  while (true) (void)::pause();
}

void Peer::die() {
  ::_exit(1);
}

FakeDaemon::FakeDaemon(Script script, FakeDaemonSettings settings)
    : script_(std::move(script)), settings_(settings) {
  void* memory =
      ::mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  record_ = new (memory) Record();
  int ends[2];
  must(::pipe2(ends, O_CLOEXEC), "pipe");
  events_read_.reset(ends[0]);
  events_write_.reset(ends[1]);
  child_ = Child([this] {
    events_read_.reset();
    serve();
    return 1;
  });
  events_write_.reset();
  char ready = 0;
  if (::read(events_read_.get(), &ready, 1) != 1) std::abort();
}

FakeDaemon::~FakeDaemon() {
  child_.kill();
  (void)::munmap(record_, sizeof(Record));
}

void FakeDaemon::wait_for_script() {
  constexpr int patience_ms = 60'000;
  char done = 0;
  pollfd poll{.fd = events_read_.get(), .events = POLLIN, .revents = 0};
  // The pipe also ends when the daemon dies, as it does in some scripts.
  if (::poll(&poll, 1, patience_ms) != 1) std::abort();
  (void)!::read(events_read_.get(), &done, 1);
}

void FakeDaemon::serve() {
  Serving serving{.script = &script_,
                  .settings = &settings_,
                  .record = record_,
                  .script_done = events_write_.get()};
  sd_bus* bus = nullptr;
  must(::sd_bus_new(&bus), "bus");
  must(::sd_bus_set_address(bus, "unix:path=/run/dbus/system_bus_socket"), "address");
  must(::sd_bus_set_bus_client(bus, 1), "client");
  must(::sd_bus_start(bus), "start");
  for (const char* interface : {bus_names::kInterface, bus_names::kHostInterface})
    must(::sd_bus_add_object_vtable(bus, nullptr, bus_names::kPath, interface, kVtable, &serving),
         "vtable");
  // A failed test leaves its daemon behind, which must not make the next test fail.
  must(::sd_bus_request_name(bus, bus_names::kService,
                             SD_BUS_NAME_ALLOW_REPLACEMENT | SD_BUS_NAME_REPLACE_EXISTING),
       "name");
  (void)!::write(events_write_.get(), "r", 1);
  while (true) {
    const int processed = ::sd_bus_process(bus, nullptr);
    if (processed < 0) ::_exit(1);  // the bus has ended
    if (processed == 0 && ::sd_bus_wait(bus, UINT64_MAX) < 0) ::_exit(1);
  }
}

}  // namespace pamcognito::test
