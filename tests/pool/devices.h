#pragma once

#include <json/value.h>

#include <expected>
#include <string>

#include "tests/pool/api.h"
#include "tests/pool/grants.h"

// Devices that the pool remembers: made a key for with the tokens, confirmed by their owner.
namespace pamcognito::pool {

// Makes a device for the grant, if the pool has a device configuration: NewDeviceMetadata, or null.
[[nodiscard]] Json::Value new_device(Pool& pool, User& user, Grant& grant);
// Refuses a key ("" for none) that is not one of a confirmed device of the user.
[[nodiscard]] std::expected<void, ApiError> check_device_at_sign_in(User* user,
                                                                    const std::string& key);
// Whether a refresh of the grant may be made with this key ("" for none).
[[nodiscard]] std::expected<void, ApiError> check_device_at_refresh(const PoolSettings& settings,
                                                                    const User& user,
                                                                    const Grant& grant,
                                                                    const std::string& key);

[[nodiscard]] ApiResult confirm_device(ApiCall& call);
[[nodiscard]] ApiResult update_device_status(ApiCall& call);
[[nodiscard]] ApiResult forget_device(ApiCall& call);
[[nodiscard]] ApiResult get_device(ApiCall& call);
[[nodiscard]] ApiResult list_devices(ApiCall& call);

}  // namespace pamcognito::pool
