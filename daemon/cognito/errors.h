#pragma once

#include <string>
#include <string_view>

#include "daemon/cognito/http.h"
#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// The bare exception name of what a header or body carries:
// "com.amazonaws.cognitoidentityprovider#NotAuthorizedException:http://…" → NotAuthorizedException.
std::string_view exception_name(std::string_view wire);

// The kind of a bare exception name; unknown_exception if this version does not know it.
ErrorKind kind_of_exception(std::string_view name);

// An error as the service sent it: the bare name, from the header x-amzn-errortype, else the body's
// `code`, else its `__type`; and the text. Empty: there was none.
struct WireError {
  std::string name;
  std::string text;
};
WireError wire_error_of(const HttpResponse& response);

// The error that an answer other than 200 means. The name decides; the status only if there is no
// name (a firewall in front of the pool answers without JSON). The text counts only with
// NotAuthorizedException, which is the name of several causes.
PoolError error_of_response(const HttpResponse& response);

}  // namespace pamcognito::cognito
