#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "daemon/sessions/session.h"
#include "daemon/sessions/session_store.h"
#include "daemon/sessions/slot_memory.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {

using sessions::Session;
using sessions::SessionStore;
using sessions::SlotMemory;

inline constexpr std::size_t kTokenSize = 1800;

inline SignInId id_of(unsigned number) {
  SignInId id{};
  constexpr std::size_t half = kSignInIdSize / 2;  // after the log id
  for (std::size_t i = 0; i < 4; ++i) id[half + i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.back() = 7;
  return id;
}

// All fields set, each by `number` and `version`.
inline Session sample(unsigned number, unsigned version = 1, std::size_t token_size = kTokenSize) {
  Session session;
  session.id = id_of(number);
  session.user = "user" + std::to_string(number % 8);
  session.sub = "aaaaaaaa-bbbb-cccc-dddd-" + std::to_string(number);
  session.cognito_name = "name " + std::to_string(number);
  session.groups = {"linux-users", "", "group" + std::to_string(version)};
  session.service = "sshd";
  session.origin = "host:192.0.2.1/32";
  if (number % 3 != 0) session.factor = cognito::Method::sms;
  session.signed_in = runtime::BootTime(std::chrono::seconds(100 + number));
  session.verified = runtime::BootTime(std::chrono::nanoseconds(version));
  session.binding = {1000 + number, version};
  session.login_open = version % 2 == 1;
  session.pool = 0x0123456789abcdef;
  session.refresh_token =
      std::string("token ") + std::to_string(version) + " of " + std::to_string(number) + ' ';
  session.refresh_token.resize(token_size, static_cast<char>('a' + version % 26));
  session.device_key = "eu-west-1_device" + std::to_string(version);
  if (number % 2 == 0) session.address = "192.0.2." + std::to_string(number % 200);
  if (version % 4 != 0) {
    session.verifier.emplace();
    session.verifier->salt.fill(static_cast<std::uint8_t>(version));
    session.verifier->hash.fill(static_cast<std::uint8_t>(number));
    session.verifier->failures = static_cast<std::uint8_t>(version % 5);
  }
  return session;
}

// The same with as many groups as `slots` slots are filled by.
inline Session large_sample(unsigned number, unsigned version, std::size_t slots) {
  Session session = sample(number, version);
  std::size_t left = (slots - 1) * SessionStore::kSlotSize;
  for (unsigned i = 0; left != 0; ++i) {
    const std::string name = "group " + std::to_string(i) + " of " + std::to_string(version) + ' ';
    const std::size_t size = std::min(left, std::size_t{500});
    session.groups.push_back((name + std::string(500, 'g')).substr(0, size));
    left -= size;
  }
  return session;
}

inline bool same(const Session& a, const Session& b) {
  if (a.verifier.has_value() != b.verifier.has_value()) return false;
  if (a.verifier && (a.verifier->salt != b.verifier->salt || a.verifier->hash != b.verifier->hash ||
                     a.verifier->failures != b.verifier->failures)) {
    return false;
  }
  return a.id == b.id && a.user == b.user && a.sub == b.sub && a.cognito_name == b.cognito_name &&
         a.groups == b.groups && a.service == b.service && a.origin == b.origin &&
         a.factor == b.factor && a.signed_in == b.signed_in && a.verified == b.verified &&
         a.binding.login_uid == b.binding.login_uid &&
         a.binding.audit_session == b.binding.audit_session && a.login_open == b.login_open &&
         a.pool == b.pool && a.refresh_token == b.refresh_token && a.device_key == b.device_key &&
         a.address == b.address;
}

inline Fd copy_of(int fd) {
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

inline std::unique_ptr<SessionStore> open_store(Fd kept = Fd()) {
  auto store = SessionStore::open(std::move(kept), false);
  if (!store) fail_msg("%s", store.error().c_str());
  return std::move(*store);
}

// The header and the first slots of a store's memfd.
inline std::vector<std::uint8_t> read_memory(int fd, std::size_t slots) {
  std::vector<std::uint8_t> bytes(SlotMemory::kHeaderSize + slots * SessionStore::kSlotSize);
  assert_int_equal(::pread(fd, bytes.data(), bytes.size(), 0), bytes.size());
  return bytes;
}

inline bool is_zero(const std::uint8_t* bytes, std::size_t size) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
}

// How many slots of what read_memory() gave are not empty.
inline std::size_t slots_in_use(const std::vector<std::uint8_t>& bytes) {
  std::size_t used = 0;
  for (std::size_t at = SlotMemory::kHeaderSize; at < bytes.size(); at += SessionStore::kSlotSize) {
    if (!is_zero(bytes.data() + at, SessionStore::kSlotSize)) ++used;
  }
  return used;
}

// A memfd as a store leaves it, that begins with these bytes.
inline Fd memory_with(const std::vector<std::uint8_t>& bytes) {
  const auto empty = open_store();
  Fd fd = copy_of(empty->fd());
  assert_int_equal(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), bytes.size());
  return fd;
}

}  // namespace pamcognito::test
