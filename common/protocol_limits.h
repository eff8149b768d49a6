#pragma once

#include <chrono>
#include <cstddef>

#include "common/frame.h"
#include "common/secret.h"

// The deadlines and sizes on which pam_cognito, cognitod and cognitoctl depend together.
//
// The deadlines form a ladder: the program that does the work stops waiting first and reports why,
// and the program that waits for it waits a little longer, so that it receives that report instead
// of silence. Each step of a conversation has three bounds, from the inside to the outside:
//
//   kRequestTime     cognitod ends the HTTPS requests of the step
//   kDaemonStepTime  cognitod ends the sign-in, because its own code has not come to a result
//   kClientStepTime  pam_cognito or cognitoctl ends it, because cognitod is hung
//
// A deadline that the outer program reaches proves nothing about cognitod: any user can stop or
// starve a process of the PAM host. The module reports such an end as a failure, never as
// PAM_AUTHINFO_UNAVAIL.
namespace pamcognito::protocol {

// Requests that belong to one step. Cognito usually answers within a second; the rest is for a
// retry and for a slow network.
inline constexpr std::chrono::milliseconds kRequestTime{7500};
// The 500 ms above kRequestTime are for the code that turns the failed request into an outcome.
inline constexpr std::chrono::seconds kDaemonStepTime{8};
// The 2 s above kDaemonStepTime are for the scheduler of a loaded machine.
inline constexpr std::chrono::seconds kClientStepTime{10};

// A whole conversation. cognitod sends the client the deadline of the PAM service. The setting
// `[service] deadline` may not exceed this value, and module and cognitoctl do not accept more,
// because an open conversation occupies one of the places that cognitod gives to a user or root.
inline constexpr std::chrono::seconds kMaxConversationTime{900};
// Questions in one conversation. cognitod answers at most 20 challenges of a sign-in, so a
// conversation with more questions than this is a fault in cognitod.
inline constexpr int kMaxSteps = 64;

// A call of the module: OpenSignIn, OpenPasswordChange, OpenLogin and CloseLogin with the time to
// connect to the bus; for CheckAccount the time to connect alone. cognitod answers each of them
// without asking the user pool, so 2 s leave time for systemd to start it.
inline constexpr std::chrono::seconds kModuleCallTime{2};
// After a call that was not answered: how long the module asks systemd whether the unit has
// failed for good.
inline constexpr std::chrono::seconds kUnitQuestionTime{1};

// A refresh of a session's tokens, for which an account decision may wait.
inline constexpr std::chrono::seconds kRefreshTime{8};
// The module waits for an account decision.
inline constexpr std::chrono::seconds kAccountTime{10};
// The same, if this transaction's sign-in has already found cognitod or the pool unavailable.
inline constexpr std::chrono::seconds kAbsentAccountTime{2};

// cognitoctl waits for the bus, and then for the answer to one call. cognitod may send requests to
// the pool for a call, up to kRequestTime.
inline constexpr std::chrono::seconds kToolConnectTime{10};
inline constexpr std::chrono::seconds kToolCallTime{10};

static_assert(kRequestTime < kDaemonStepTime, "cognitod must report a failed request");
static_assert(kDaemonStepTime < kClientStepTime, "the client must receive cognitod's report");
static_assert(kClientStepTime < kMaxConversationTime);
static_assert(kRefreshTime < kAccountTime, "a refresh must end before the module stops waiting");
static_assert(kRequestTime < kToolCallTime, "cognitoctl must receive cognitod's report");
static_assert(kAbsentAccountTime < kAccountTime);
static_assert(kModuleCallTime < kDaemonStepTime && kUnitQuestionTime < kModuleCallTime);

// A text in the `facts` of a call, such as the remote host. A DNS name has at most 253 bytes.
inline constexpr std::size_t kMaxFactText = 256;
// The name of a PAM service. It is the name of a file in /etc/pam.d.
inline constexpr std::size_t kMaxServiceName = 64;

// frame.h and secret.h define the sizes of a frame and of an answer, because they are included
// nearly everywhere and this header brings <chrono> with it.
static_assert(2 + Secret::kCapacity <= kMaxDatagram, "every answer must fit into a frame");

}  // namespace pamcognito::protocol
