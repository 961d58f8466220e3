// SPDX-License-Identifier: Apache-2.0
// Requests for tests by hand: about channel 0 and subscriber 0, with `value` in both fields.
#pragma once

#include "history.h"

namespace keymast::linear {

inline Request CreateChannel(uint32_t value) {
  return {.verb = Verb::kCreateChannel, .first = value, .second = value, .group = 1};
}
inline Request GetChannel() { return {.verb = Verb::kGetChannel}; }
inline Request UpdateChannel(uint32_t value) {
  return {.verb = Verb::kUpdateChannel, .first = value, .second = value};
}
inline Request DeleteChannel() { return {.verb = Verb::kDeleteChannel}; }
inline Request CreateSubscriber(uint32_t value) {
  return {.verb = Verb::kCreateSubscriber, .subscribers = {0}, .first = value, .second = value};
}
inline Request DeleteSubscriber() { return {.verb = Verb::kDeleteSubscriber, .subscribers = {0}}; }
inline Request AddMember(uint32_t endpoint) {
  return {.verb = Verb::kAddMember, .subscribers = {0}, .first = endpoint};
}
inline Request GetMember() { return {.verb = Verb::kGetMember, .subscribers = {0}}; }
inline Request UpdateMember(uint32_t endpoint) {
  return {.verb = Verb::kUpdateMember, .subscribers = {0}, .first = endpoint};
}
inline Request Join() { return {.verb = Verb::kJoin, .subscribers = {0}}; }
inline Request Leave() { return {.verb = Verb::kLeave, .subscribers = {0}}; }
inline Request Expel() { return {.verb = Verb::kExpel, .subscribers = {0}}; }

}  // namespace keymast::linear
