#include "daemon/cognito/call_context.h"

#include <map>

namespace pamcognito::cognito {

void add_context(JsonObjectWriter& body, const CallContext& context) {
  StringMap metadata = context.client_metadata;
  // A host process may send any bytes: a pair that is not UTF-8 is left out, the sign-in goes on.
  std::erase_if(metadata, [](const auto& pair) { return !is_utf8(pair.first + pair.second); });
  body.add("ClientMetadata", metadata);
  if (context.remote_address.empty()) return;
  body.begin_object("UserContextData").add("IpAddress", context.remote_address).end_object();
}

}  // namespace pamcognito::cognito
