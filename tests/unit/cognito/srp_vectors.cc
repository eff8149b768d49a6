// srp-vectors FILE: replays sign-in vectors (the format of tests/data/srp-vectors.json) against
// daemon/cognito/srp. Sections: user, device, device_verifier; besides them padding_cases and
// timestamp_cases. Any may be missing. Exits 0 when every value agrees and there was at least one.
#include <json/json.h>

#include <cstdio>
#include <ctime>
#include <exception>
#include <expected>
#include <fstream>
#include <functional>
#include <ios>
#include <iterator>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/cognito/base64.h"
#include "daemon/cognito/json.h"
#include "daemon/cognito/secret_hash.h"
#include "daemon/cognito/srp.h"

namespace {

using namespace pamcognito::cognito;

// A value that differs, or a record that breaks the format.
struct Mismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const Json::Value& at(const Json::Value& object, const char* name) {
  if (!object.isObject() || !object.isMember(name)) throw Mismatch(std::string("has no ") + name);
  return object[name];
}

std::string text(const Json::Value& object, const std::string& name) {
  const Json::Value& value = at(object, name.c_str());
  if (!value.isString()) throw Mismatch(name + " is not a string");
  return value.asString();
}

// A file may leave expectations out; only those that it has are compared.
void expect(const Json::Value& object, const std::string& name, const std::string& got) {
  if (!object.isObject() || !object.isMember(name)) return;
  const std::string want = text(object, name);
  if (want != got) throw Mismatch(name + " differs: expected " + want + ", got " + got);
}

template <class T, class E>
T must(std::expected<T, E> result, const char* what) {
  if (!result) throw Mismatch(std::string(what) + " failed");
  return std::move(*result);
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    char pair[3];
    (void)std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned char>(c));
    out += pair;
  }
  return out;
}

std::string unhex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::span<const unsigned char> as_bytes(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

std::time_t utc(const std::string& iso) {
  std::tm time{};
  if (strptime(iso.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) {
    throw Mismatch("time is not ISO 8601: " + iso);
  }
  return timegm(&time);
}

void check_intermediate(const Json::Value& want, const srp::KeyPair& pair,
                        const srp::Identity& identity, const srp::ServerChallenge& challenge) {
  const auto salt = must(srp::number_from_hex(challenge.salt_hex, 1024), "SALT");
  const auto b = must(srp::number_from_hex(challenge.b_hex, srp::kGroupBits), "SRP_B");
  expect(want, "srp_a_hex", pair.public_hex());
  expect(want, "A_padded", hex(srp::pad(pair.public_number())));
  expect(want, "B_padded", hex(srp::pad(b.get())));
  expect(want, "salt_padded", hex(srp::pad(salt.get())));
  const auto u = must(srp::scrambling(pair.public_number(), b.get()), "u");
  expect(want, "u_hex", must(srp::hex_of(u.get()), "u"));
  expect(want, "u_padded", hex(srp::pad(u.get())));
  const auto x = must(
      srp::private_exponent(salt.get(), identity.group, identity.user, identity.password), "x");
  expect(want, "x_hex", must(srp::hex_of(x.get()), "x"));
  expect(want, "g_pow_x_hex",
         must(srp::hex_of(must(srp::power_of_generator(x.get()), "g^x").get()), "g^x"));
  const auto s = must(srp::shared_secret(pair.private_number(), b.get(), u.get(), x.get()), "S");
  expect(want, "S_hex", must(srp::hex_of(s.get()), "S"));
  expect(want, "S_padded", hex(srp::pad(s.get())));
  const auto key = must(srp::derive_key(s.get(), u.get()), "key");
  expect(want, "hkdf_okm_full_hex", hex(key.view()));
  expect(want, "hkdf_key_hex", hex(key.view().substr(0, srp::kKeyBytes)));
}

void check_secret_hash(const Json::Value& record, const std::string& login_username,
                       const std::string& user_id) {
  if (!record.isMember("secret_hash")) return;
  const Json::Value& want = record["secret_hash"];
  const std::string secret = text(want, "client_secret");
  const std::string client = text(want, "client_id");
  expect(want, "for_login_username", secret_hash(secret, login_username, client).value_or(""));
  expect(want, "for_user_id_for_srp", secret_hash(secret, user_id, client).value_or(""));
}

// Checks that user and device sign-ins share. `responses` holds the expected answer to the
// challenge.
void check_sign_in(const Json::Value& record, const srp::Identity& identity,
                   const Json::Value& responses) {
  const Json::Value& input = at(record, "input");
  const Json::Value& parameters = at(input, "challenge_parameters");
  const std::string salt = text(parameters, "SALT");
  const std::string b = text(parameters, "SRP_B");
  const std::string block = text(parameters, "SECRET_BLOCK");
  const srp::ServerChallenge challenge{salt, b, block};
  const auto pair = must(srp::KeyPair::from_private_hex(text(input, "a_hex")), "a");
  const std::string stamp = srp::timestamp(utc(text(input, "now_utc")));
  check_intermediate(record["intermediate"], pair, identity, challenge);
  const std::string signature =
      must(srp::password_claim_signature(pair, identity, challenge, stamp), "signature");
  (void)at(responses, "PASSWORD_CLAIM_SIGNATURE");
  expect(responses, "TIMESTAMP", stamp);
  expect(responses, "PASSWORD_CLAIM_SIGNATURE", signature);
  expect(responses, "PASSWORD_CLAIM_SECRET_BLOCK", block);
}

void check_user(const Json::Value& record) {
  const Json::Value& input = at(record, "input");
  const std::string pool = text(input, "pool_name");
  const std::string user = text(input, "user_id_for_srp");
  const std::string password = text(input, "password");
  const Json::Value& output = at(record, "output");
  check_sign_in(record, {pool, user, password}, output);
  const auto pair = must(srp::KeyPair::from_private_hex(text(input, "a_hex")), "a");
  if (output.isMember("initiate_auth_parameters")) {
    expect(output["initiate_auth_parameters"], "SRP_A", pair.public_hex());
  }
  check_secret_hash(record, text(input, "login_username"), user);
}

void check_device(const Json::Value& record) {
  const Json::Value& input = at(record, "input");
  const std::string group = text(input, "device_group_key");
  const std::string device = text(input, "device_key");
  const std::string password = text(input, "device_password");
  const Json::Value& output = at(record, "output");
  check_sign_in(record, {group, device, password},
                at(output, "device_password_verifier_responses"));
  const auto pair = must(srp::KeyPair::from_private_hex(text(input, "a_hex")), "a");
  if (output.isMember("device_srp_auth_responses")) {
    expect(output["device_srp_auth_responses"], "SRP_A", pair.public_hex());
  }
}

void check_device_verifier(const Json::Value& record) {
  const Json::Value& input = at(record, "input");
  const std::string random = unhex(text(input, "random_password_bytes_hex"));
  const std::string salt = unhex(text(input, "random_salt_bytes_hex"));
  const std::string password = base64_encode(as_bytes(random));
  expect(record["intermediate"], "device_password", password);
  const auto verifier =
      must(srp::device_verifier(text(input, "device_group_key"), text(input, "device_key"),
                                password, as_bytes(salt)),
           "device verifier");
  const Json::Value& want = at(at(record, "output"), "DeviceSecretVerifierConfig");
  (void)at(want, "PasswordVerifier");
  expect(want, "Salt", verifier.salt);
  expect(want, "PasswordVerifier", verifier.password_verifier);
}

void check_padding(const Json::Value& record) {
  const auto number = must(srp::number_from_hex(text(record, "value_hex"), 4096), "value_hex");
  (void)at(record, "padded");
  expect(record, "padded", hex(srp::pad(number.get())));
}

void check_timestamp(const Json::Value& record) {
  (void)at(record, "timestamp");
  expect(record, "timestamp", srp::timestamp(utc(text(record, "utc"))));
}

struct Section {
  const char* name;
  const char* words;
  void (*check)(const Json::Value& record);
  bool is_vector;
};

constexpr Section kSections[] = {
    {"user", "user sign-ins", check_user, true},
    {"device", "device sign-ins", check_device, true},
    {"device_verifier", "device verifiers", check_device_verifier, true},
    {"padding_cases", "padding cases", check_padding, false},
    {"timestamp_cases", "timestamp cases", check_timestamp, false},
};

std::size_t check_section(const Json::Value& file, const Section& section) {
  if (!file.isMember(section.name)) return 0;
  const Json::Value& records = file[section.name];
  if (!records.isArray()) throw Mismatch(std::string(section.name) + " is not a list");
  for (Json::ArrayIndex i = 0; i < records.size(); ++i) {
    try {
      if (!records[i].isObject()) throw Mismatch("is not an object");
      section.check(records[i]);
    } catch (const std::exception& error) {
      const std::string id = records[i].isObject() && records[i]["id"].isString()
                                 ? records[i]["id"].asString()
                                 : section.name + std::to_string(i);
      throw Mismatch(id + ": " + error.what());
    }
  }
  return records.size();
}

int replay(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Mismatch(std::string(path) + ": cannot be read");
  const std::string content{std::istreambuf_iterator<char>(stream), {}};
  const auto file = parse_json_object(content);
  if (!file) throw Mismatch(std::string(path) + ": " + file.error());
  std::size_t vectors = 0;
  for (const Section& section : kSections) {
    const std::size_t checked = check_section(file->root(), section);
    if (section.is_vector) vectors += checked;
    (void)std::printf("%zu %s\n", checked, section.words);
  }
  (void)std::printf("%zu vectors checked\n", vectors);
  if (vectors == 0) throw Mismatch("nothing was checked");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    (void)std::fprintf(stderr, "usage: srp-vectors FILE\n");
    return 2;
  }
  try {
    return replay(argv[1]);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "srp-vectors: %s\n", error.what());
    return 1;
  }
}
