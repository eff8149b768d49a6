#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// A case of the fuzz target: accounts.conf, an accounts file, questions, and a fault.
// tests/fuzz/nss_replay.py reads the same bytes.
namespace nss_fuzz {

enum class Kind : std::uint8_t {
  getpwnam,
  getpwuid,
  getgrnam,
  getgrgid,
  initgroups,
  list_users,
  list_groups,
};
inline constexpr std::uint8_t kKinds = 7;

// A fault must not change an answer (the first ones), or may turn it into a failure.
enum class Fault : std::uint8_t {
  none,
  interrupted_once,
  one_byte_each,
  interrupted_for_ever,
  input_error,
  no_memory,
  end_of_file,
  zeros_from_now,
  static_program,
  no_realloc,
  no_descriptor,
  directory_missing,
  directory_of_another,
  directory_writable,
  directory_is_file,
  file_of_another,
  file_writable,
  file_is_fifo,
  file_missing,
  no_status,
  open_interrupted,
};
inline constexpr std::uint8_t kFaults = 21;
constexpr bool is_harmless(Fault fault) noexcept {
  return fault <= Fault::one_byte_each;
}

// 48 bytes, little-endian.
struct Question {
  std::uint8_t kind;     // modulo kKinds
  std::uint8_t gap;      // modulo 8: bytes from the buffer to the next pointer
  std::uint8_t limit;    // modulo 8
  std::uint8_t present;  // modulo 5: groups that the array has already
  std::uint16_t size;    // of the buffer
  std::uint16_t zero;
  std::uint32_t id;
  std::uint32_t primary;
  std::array<char, 32> name;  // up to the first NUL
};
static_assert(sizeof(Question) == 48);

inline constexpr std::size_t kMaxQuestions = 4;
// The groups that the array of initgroups has, and its places.
inline constexpr std::array<std::uint32_t, 4> kPresent = {27, 2001, 995, 2063};
inline constexpr long kPlaces = 4;
inline constexpr std::size_t kMaxListed = 64;

struct Case {
  std::string conf;
  std::string file;
  std::vector<Question> questions;
  std::uint8_t fault = 0;     // modulo kFaults
  std::uint8_t fault_at = 0;  // of the calls: 0 the first one; of files: odd for accounts.conf
};

// 8 bytes: sizes of conf and file (16 bits each), fault, fault_at, number of questions, 0; then the
// three parts. A size that is too large is cut to the bytes that are there.
Case parse(const std::uint8_t* data, std::size_t size);
std::string bytes_of(const Case& one);

}  // namespace nss_fuzz
