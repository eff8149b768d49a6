// SSH keys from an attribute of the pool: which entries count, which do not, and the file for sshd.
// The keys and fingerprints are of ssh-keygen (OpenSSH 9.2).

#include "accounts/ssh_keys.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::accounts;

constexpr char kEd25519[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDjgO843AaRfmN94QylPOwZiHRS0yOMRycXqQgp5lcGd";
constexpr char kEd25519Print[] = "SHA256:lyHAHiGrH3v/zFTNvjfz2zsTawq9rWvI9MGfOmdYNRA";
constexpr char kNistp256[] =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPGSH20W5nXXGwd3"
    "djItY/TI51XMj8AcdBnBdjlN78RnKLAANtBFpxQ5b2rvPPJ94ULqYmmWo4D+L8a55Thb01s=";
constexpr char kNistp384[] =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBIQmPuS0vqRcdnMM"
    "kO/AWK5eMK6KzPgU87dm3DSt8oqrcJHC8OEVeTx/jwy5R+fDS1ruy5eYOqMKVCjyWoywYWkhFX4GAqSGPPe5aNgK"
    "PAVgp53n0AKm5PnhZweWJYWuhQ==";
constexpr char kNistp521[] =
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAASZvcBp2Us+va8"
    "DaP78rLpifYb/vtqyl0qhDl0cJjtlircX+M4NBH7Rm51cFCf9OIDbLIezV1JyjB7D/xOB4nZoAFvyNSQ7PZj/hpk"
    "WWj8DxR89RnPtJjMi7B6ODm0vqiFX06Mu0RRpWIVD+3TxebI+VaoKZBTPmcS5jkeBnaJAnVEKQ==";
constexpr char kRsa2048[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCwG2k+yzEpM3nVyFuKaTiK0y19WeAwEDsBLSAVuhxGe+FBz6pq"
    "lRyyEfGedy/RAjWNj/d0SYxJuzajizoMKGa3/SBKeMa4xuU1CnM7x12B9vNYpRDguk2kpb9zGAd9fjZocHHp2k/L"
    "eNg8LBp/bdZj8401bwfp4AHoInUeCibtk1pwUWVrdLdWiK4V7eJdAsQtDJnEQC1arqvmeqPDCOiRl0Iz3s7SPVEA"
    "blGks6O4owNtiQiIZrbepsDkqYCYYA9FH1JoIZWoC60Zri6NlmgfW8iaa88QDdwMQNYZphA8Vxci3UQldeC+9FRz"
    "OTR04rozIjpV/GgnS6pjzIbBTIux";
constexpr char kRsa1024[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDrpu6pxDfhw2P0akV/oQWz2Sr0r1NgcMM2LsdCY+rgkpjabGnU"
    "pQReQPKH0+Hy/90hJcBQ/CTQmIrWRHQJXUjGXT6K+6SsOVQ9Qj7/ms2EnrEg+DWb/QK3RjGAluzhS/l+z2oL9T8G"
    "xqeovzNVtR1znZc6Tgw+X9de12N+Zj44Nw==";
constexpr char kCertificate[] =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIGP"
    "LLSS61xQgQFBLRvufmLpGGJ9P/ph1yYkwbFbM3qd2AAAAIDjgO843AaRfmN94QylPOwZiHRS0yOMRycXqQgp5lcG"
    "dAAAAAAAAAAAAAAABAAAAAXgAAAAFAAAAAXkAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1"
    "mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2F"
    "yZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWV"
    "kMjU1MTkAAAAgzwPH41DMC3Uc1l//EEPzi9DINMrX4cgD4Mr3CYt8aOwAAABTAAAAC3NzaC1lZDI1NTE5AAAAQMe"
    "txkNywuBzLbxQfFa7xUhV1xi58Rurr48ADxDxi+T2DqhV1ch1u+Ht3V+gC7ishqQS0/v2pjRfPQTW7iFBjAk=";

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63U] : '=';
  }
  return text;
}

std::string part(std::string_view bytes) {
  std::string made(3, '\0');
  made[2] = static_cast<char>(bytes.size() >> 8U);
  made += static_cast<char>(bytes.size() & 0xFFU);
  return made.append(bytes);
}

// An entry of parts that the case names.
std::string entry(std::string_view type, const std::vector<std::string>& parts) {
  std::string blob = part(type);
  for (const std::string& one : parts) blob += part(one);
  return std::string(type) + " " + base64(blob);
}

std::string number(std::size_t bits, char last = '\x01') {
  std::string bytes(bits / 8, '\x55');
  bytes[0] = '\x80';
  bytes.back() = last;
  return std::string(1, '\0') + bytes;
}

const std::string kPoint = std::string(1, '\4') + std::string(64, 'p');
const std::string kExponent("\1\0\1", 3);

void each_permitted_type_counts(void** /*state*/) {
  const std::vector<std::string> keys = {
      kEd25519,
      kNistp256,
      kNistp384,
      kNistp521,
      kRsa2048,
      entry("sk-ssh-ed25519@openssh.com", {std::string(32, 'k'), "ssh:"}),
      entry("sk-ecdsa-sha2-nistp256@openssh.com", {"nistp256", kPoint, "ssh:work"}),
      entry("ssh-rsa", {kExponent, number(8192)})};
  for (const std::string& key : keys) {
    const ParsedKeys parsed = parse_ssh_keys(key + " zoe@laptop, of work");
    assert_int_equal(parsed.keys.size(), 1);
    assert_text(parsed.keys[0].line, key);
    // The comment ends at its comma.
    assert_text(parsed.faults, "entry 2 has options or no permitted type");
  }
  assert_text(parse_ssh_keys(kEd25519).keys[0].fingerprint, kEd25519Print);
}

void entries_are_separated_by_commas_and_line_ends(void** /*state*/) {
  for (const char* const separator : {",", "\n", "\r\n", " ,\n, ", "\n\n\n", " comment\r"}) {
    const ParsedKeys parsed =
        parse_ssh_keys(std::string("  ") + kEd25519 + separator + "\t" + kNistp256 + separator);
    assert_int_equal(parsed.keys.size(), 2);
    assert_text(parsed.faults, "");
    assert_text(parsed.keys[1].line, kNistp256);
  }
  for (const std::string& none : {std::string(), std::string(" \n"), std::string(2048, ',')}) {
    const ParsedKeys parsed = parse_ssh_keys(none);
    assert_true(parsed.keys.empty() && parsed.faults.empty());
  }
}

// A good key follows each of them, and counts.
void a_bad_entry_does_not_count(void** /*state*/) {
  const std::string type = "ssh-ed25519";
  const std::string good = kEd25519;
  const std::string digits = good.substr(type.size() + 1);
  struct Case {
    std::string entry;
    const char* fault;
  };
  constexpr char kType[] = "has options or no permitted type";
  constexpr char kBase64[] = "has no valid base64";
  constexpr char kOther[] = "has a key of another type";
  constexpr char kKey[] = "has a malformed or too short key";
  constexpr char kControl[] = "has a control character";
  const std::vector<Case> cases = {
      {"command=\"id\" " + good, kType},
      {"from=\"192.0.2.1\" " + good, kType},
      {"cert-authority " + good, kType},
      {"expiry-time=\"20991231Z\" " + good, kType},
      {"restrict " + good, kType},
      {"environment=\"LD_PRELOAD=/tmp/x\" " + good, kType},
      {"# " + good, kType},
      {"\"" + good + "\"", kType},
      {"@cert-authority * " + good, kType},
      {kCertificate, kType},
      {"ssh-dss " + digits, kType},
      {"SSH-ED25519 " + digits, kType},
      {"rsa-sha2-512 " + digits, kType},
      {digits, kType},
      {type, kBase64},
      {type + " command=\"id\"", kBase64},
      {type + " " + digits.substr(0, digits.size() - 1), kBase64},
      {type + " " + digits + "=", kBase64},
      {type + " " + digits + "====", kBase64},
      {type + " " + digits.substr(0, 20) + "-" + digits.substr(21), kBase64},
      {type + " " + digits.substr(0, 20) + "=" + digits.substr(20), kBase64},
      {type + " ====", kBase64},
      // Bits behind the last byte.
      {type + " AAB=", kBase64},
      {type + " AAAA", kOther},
      {"ssh-rsa " + digits, kOther},
      {type + " " + std::string(kRsa2048).substr(8), kOther},
      {type + " " + base64(std::string("\xff\xff\xff\xff", 4) + type), kOther},
      {type + " " + base64(part(type)), kKey},
      {entry(type, {std::string(31, 'k')}), kKey},
      {entry(type, {std::string(33, 'k')}), kKey},
      {entry(type, {std::string(32, 'k'), ""}), kKey},
      {type + " " + base64(part(type) + part(std::string(32, 'k')) + "x"), kKey},
      {type + " " + base64(part(type) + std::string("\0\0\0\x21", 4) + std::string(32, 'k')), kKey},
      {kRsa1024, kKey},
      {entry("ssh-rsa", {kExponent, number(2040)}), kKey},
      {entry("ssh-rsa", {kExponent, std::string(200, '\0') + number(1024)}), kKey},
      {entry("ssh-rsa", {kExponent, number(2048, '\x02')}), kKey},
      {entry("ssh-rsa", {kExponent, number(2048).substr(1)}), kKey},
      {entry("ssh-rsa", {"\x01", number(2048)}), kKey},
      {entry("ssh-rsa", {"\x04", number(2048)}), kKey},
      {entry("ssh-rsa", {"", number(2048)}), kKey},
      {entry("ssh-rsa", {number(512), number(2048)}), kKey},
      {entry("ssh-rsa", {kExponent, number(2048), "x"}), kKey},
      {entry("ssh-rsa", {kExponent}), kKey},
      {entry("ecdsa-sha2-nistp256", {"nistp384", kPoint}), kKey},
      {entry("ecdsa-sha2-nistp256", {"nistp256", kPoint + "p"}), kKey},
      {entry("ecdsa-sha2-nistp256", {"nistp256", "\2" + std::string(32, 'p')}), kKey},
      {entry("ecdsa-sha2-nistp384", {"nistp384", kPoint}), kKey},
      {entry("sk-ssh-ed25519@openssh.com", {std::string(32, 'k')}), kKey},
      {entry("sk-ssh-ed25519@openssh.com", {std::string(32, 'k'), ""}), kKey},
      {entry("sk-ssh-ed25519@openssh.com", {std::string(32, 'k'), "a\nb"}), kKey},
      {entry("sk-ssh-ed25519@openssh.com", {std::string(32, 'k'), std::string(257, 's')}), kKey},
      {good + std::string(" \0", 2), kControl},
      {std::string("\0", 1) + good, kControl},
      {good + " \x1b[2J", kControl},
      {good + " \x7f", kControl},
      {good + "\x0b", kControl},
      {"\xef\xbb\xbf" + good, kType},
      {"\xc2\xa0" + good, kType},
  };
  for (const Case& one : cases) {
    const ParsedKeys parsed = parse_ssh_keys(one.entry + "\n" + kNistp256);
    if (parsed.keys.size() != 1) fail_msg("counts: %s", one.entry.c_str());
    assert_text(parsed.keys[0].line, kNistp256);
    assert_text(parsed.faults, std::string("entry 1 ") + one.fault);
  }
}

// A line end inside an entry makes two, and neither adds a line of its own to the file.
void no_entry_adds_a_line(void** /*state*/) {
  for (const char end : {'\n', '\r', ','}) {
    const ParsedKeys parsed =
        parse_ssh_keys(std::string(kEd25519) + " x" + end + "command=\"id\" " + kNistp256);
    assert_int_equal(parsed.keys.size(), 1);
    const std::string text = write_key_file({.keys = parsed.keys, .until = 1});
    assert_false(text.contains("command"));
    assert_false(text.contains(" x"));
  }
}

void there_are_bounds(void** /*state*/) {
  assert_text(parse_ssh_keys(std::string(2049, 'k')).faults,
              "the attribute is longer than 2,048 characters");
  std::string many;
  for (int i = 0; i < 22; ++i)
    many += entry("ssh-ed25519", {std::string(32, static_cast<char>('a' + i))}) + ",";
  const ParsedKeys parsed = parse_ssh_keys(many);
  assert_int_equal(parsed.keys.size(), 20);
  assert_text(parsed.faults, "entry 21 is beyond 20 keys; entry 22 is beyond 20 keys");
  assert_int_equal(parse_ssh_keys(std::string(kEd25519) + "," + kEd25519 + " again").keys.size(),
                   1);
  std::string bad;
  for (int i = 0; i < 1024; ++i) bad += "x,";
  assert_text(parse_ssh_keys(bad).faults,
              "entry 1 has options or no permitted type; entry 2 has options or no permitted type; "
              "entry 3 has options or no permitted type; entry 4 has options or no permitted type; "
              "entry 5 has options or no permitted type; 1019 more");
}

void a_file_is_read_as_it_was_written(void** /*state*/) {
  const KeyFile file = {.keys = parse_ssh_keys(std::string(kEd25519) + "," + kRsa2048).keys,
                        .until = 1796299200};  // 2026-12-03 12:00:00 UTC
  const std::string text = write_key_file(file);
  assert_text(text.substr(text.find('\n') + 1),
              std::string("expiry-time=\"20261203120000Z\" ") + kEd25519 +
                  "\nexpiry-time=\"20261203120000Z\" " + kRsa2048 + "\n");
  const auto back = read_key_file(text);
  assert_true(back && back->keys == file.keys && back->until == file.until);
  const std::string comment = text.substr(0, text.find('\n') + 1);
  const std::string line = std::string("expiry-time=\"20261203120000Z\" ") + kEd25519 + "\n";
  assert_true(read_key_file(comment + line).has_value());
  for (const std::string& other :
       {std::string(), comment, line, text.substr(0, text.size() - 1), comment + "\n" + line,
        comment + kEd25519 + "\n", comment + "no-pty," + line, comment + line + comment,
        comment + "expiry-time=\"20261203120000Z\",command=\"id\" " + kEd25519 + "\n",
        comment + "expiry-time=\"20261303120000Z\" " + kEd25519 + "\n",
        comment + "expiry-time=\"202612031200Z\" " + kEd25519 + "\n",
        comment + line + "expiry-time=\"20261203120001Z\" " + kNistp256 + "\n",
        comment + "expiry-time=\"20261203120000Z\" " + kEd25519 + " comment\n",
        comment + std::string(8192, ' ')})
    assert_false(read_key_file(other).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_permitted_type_counts),
      cmocka_unit_test(entries_are_separated_by_commas_and_line_ends),
      cmocka_unit_test(a_bad_entry_does_not_count),
      cmocka_unit_test(no_entry_adds_a_line),
      cmocka_unit_test(there_are_bounds),
      cmocka_unit_test(a_file_is_read_as_it_was_written),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
