#pragma once

#include "tests/pool/http.h"
#include "tests/pool/pool.h"

namespace pamcognito::pool {

inline constexpr char kAdminPath[] = "/_admin/";

// POST /_admin/NAME: what a test or a person does to the pool; README.md lists the calls.
[[nodiscard]] HttpAnswer answer_admin(Pool& pool, const HttpRequest& request);

}  // namespace pamcognito::pool
