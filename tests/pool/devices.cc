#include "tests/pool/devices.h"

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

namespace pamcognito::pool {

namespace {

constexpr size_t kLongestKey = 55;
constexpr size_t kLongestName = 1024;
constexpr size_t kLongestSalt = 17;  // 16 random bytes, and the 00 of a set top bit

Refusal no_such_device() {
  return refuse("ResourceNotFoundException", "Device does not exist.");
}

// The number that clients send: its shortest bytes, with a 00 in front when the top bit is set.
bool is_padded_number(const std::string& bytes) {
  if (bytes.empty()) return false;
  const auto top_bit = [&](size_t at) {
    return (static_cast<unsigned char>(bytes[at]) & 0x80) != 0;
  };
  if (bytes[0] != 0) return !top_bit(0);
  return bytes.size() > 1 && top_bit(1);
}

std::expected<void, ApiError> read_verifier(const Json::Value& body, Device& device) {
  const Json::Value config = body.get("DeviceSecretVerifierConfig", Json::Value());
  if (!config.isObject()) return missing_parameter("DeviceSecretVerifierConfig");
  device.salt = string_at(config, "Salt");
  device.verifier = string_at(config, "PasswordVerifier");
  const auto salt = base64_decode(device.salt);
  if (!salt || !is_padded_number(*salt) || salt->size() > kLongestSalt) {
    return invalid_parameter("Invalid device salt.");
  }
  const auto verifier = base64_decode(device.verifier);
  const BigNumber prime(BN_get_rfc3526_prime_3072(nullptr));
  if (!verifier || !is_padded_number(*verifier)) {
    return invalid_parameter("Invalid device password verifier.");
  }
  const BigNumber number = number_from_hex(hex_encode(*verifier));
  if (BN_is_one(number.get()) || BN_is_zero(number.get()) ||
      BN_cmp(number.get(), prime.get()) >= 0) {
    return invalid_parameter("Invalid device password verifier.");
  }
  return {};
}

struct NamedDevice {
  User& user;
  std::string key;
  Device& device;
};

// The device that AccessToken and DeviceKey name, confirmed or not.
std::expected<NamedDevice, ApiError> issued_device(ApiCall& call) {
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  const std::string key = string_at(call.body, "DeviceKey");
  if (key.empty()) return null_member("deviceKey");
  if (key.size() > kLongestKey) {
    return constraint_violated("'" + key + "'", "deviceKey",
                               "Member must have length less than or equal to 55");
  }
  const auto found = (*user)->devices.find(key);
  if (found == (*user)->devices.end()) return no_such_device();
  return NamedDevice{**user, key, found->second};
}

std::expected<NamedDevice, ApiError> confirmed_device(ApiCall& call) {
  auto named = issued_device(call);
  if (named && !named->device.confirmed) return no_such_device();
  return named;
}

Json::Value described(const std::string& key, const Device& device) {
  const auto attribute = [](const char* name, const std::string& value) {
    Json::Value entry;
    entry["Name"] = name;
    entry["Value"] = value;
    return entry;
  };
  Json::Value out;
  out["DeviceKey"] = key;
  out["DeviceAttributes"].append(
      attribute("device_status", device.remembered ? "remembered" : "not_remembered"));
  out["DeviceAttributes"].append(attribute("device_name", device.name));
  out["DeviceCreateDate"] = Json::Int64{device.created_s};
  out["DeviceLastModifiedDate"] = Json::Int64{device.modified_s};
  out["DeviceLastAuthenticatedDate"] = Json::Int64{device.created_s};
  return out;
}

}  // namespace

Json::Value new_device(Pool& pool, User& user, Grant& grant) {
  if (!pool.settings.device_configuration) return {};
  Device device;
  device.created_s = device.modified_s = pool.clock.wall_s();
  user.devices.erase(grant.device_key);  // one that was never confirmed
  grant.device_key = pool.settings.region() + "_" + random_uuid();
  user.devices[grant.device_key] = device;
  Json::Value metadata;
  metadata["DeviceKey"] = grant.device_key;
  metadata["DeviceGroupKey"] = "-" + base64url_encode(random_bytes(6));
  return metadata;
}

std::expected<void, ApiError> check_device_at_sign_in(User* user, const std::string& key) {
  if (key.empty()) return {};
  if (user == nullptr) return no_such_device();
  const auto found = user->devices.find(key);
  if (found == user->devices.end() || !found->second.confirmed) return no_such_device();
  return {};
}

std::expected<void, ApiError> check_device_at_refresh(const PoolSettings& settings,
                                                      const User& user, const Grant& grant,
                                                      const std::string& key) {
  const auto own = user.devices.find(grant.device_key);
  const bool forgotten = !grant.device_key.empty() && own == user.devices.end();
  const bool confirmed = own != user.devices.end() && own->second.confirmed;
  const bool unconfirmed = own != user.devices.end() && !confirmed;
  const bool never = unconfirmed && settings.unconfirmed_device_refresh == "never";
  const bool needs_key = confirmed || (unconfirmed && settings.unconfirmed_device_refresh == "key");
  if (forgotten || never || (needs_key && key != grant.device_key)) {
    return not_authorized("Invalid Refresh Token");
  }
  if (!key.empty() && key != grant.device_key) return no_such_device();
  return {};
}

ApiResult confirm_device(ApiCall& call) {
  const auto named = issued_device(call);
  if (!named) return std::unexpected(named.error());
  const DeviceConfiguration* configuration =
      call.pool.settings.device_configuration ? &*call.pool.settings.device_configuration : nullptr;
  if (configuration == nullptr) {
    return refuse("InvalidUserPoolConfigurationException",
                  "User pool is not configured for device tracking.");
  }
  Device device = named->device;
  if (device.confirmed) return refuse("DeviceKeyExistsException", "Device already exists.");
  if (const auto read = read_verifier(call.body, device); !read) {
    return std::unexpected(read.error());
  }
  device.name = string_at(call.body, "DeviceName");
  if (device.name.size() > kLongestName) {
    return constraint_violated("'" + device.name + "'", "deviceName",
                               "Member must have length less than or equal to 1024");
  }
  device.confirmed = true;
  device.remembered = !configuration->device_only_remembered_on_user_prompt;
  device.modified_s = call.pool.clock.wall_s();
  named->device = device;
  Json::Value answer;
  answer["UserConfirmationNecessary"] = configuration->device_only_remembered_on_user_prompt;
  return answer;
}

ApiResult update_device_status(ApiCall& call) {
  const auto named = confirmed_device(call);
  if (!named) return std::unexpected(named.error());
  const std::string status = string_at(call.body, "DeviceRememberedStatus");
  if (status != "remembered" && status != "not_remembered") {
    return constraint_violated("'" + status + "'", "deviceRememberedStatus",
                               "Member must satisfy enum value set: [remembered, not_remembered]");
  }
  named->device.remembered = status == "remembered";
  named->device.modified_s = call.pool.clock.wall_s();
  return Json::Value(Json::objectValue);
}

ApiResult forget_device(ApiCall& call) {
  const auto named = confirmed_device(call);
  if (!named) return std::unexpected(named.error());
  named->user.devices.erase(named->key);
  return Json::Value(Json::objectValue);
}

ApiResult get_device(ApiCall& call) {
  const auto named = confirmed_device(call);
  if (!named) return std::unexpected(named.error());
  Json::Value answer;
  answer["Device"] = described(named->key, named->device);
  return answer;
}

ApiResult list_devices(ApiCall& call) {
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  Json::Value answer;
  answer["Devices"] = Json::arrayValue;
  for (const auto& [key, device] : (*user)->devices) {
    if (device.confirmed) answer["Devices"].append(described(key, device));
  }
  return answer;
}

}  // namespace pamcognito::pool
