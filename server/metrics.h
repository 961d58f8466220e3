// SPDX-License-Identifier: Apache-2.0
// The metrics snapshot: what the rooms count, under the names that operators see (docs/metrics.md).
#pragma once

#include "private/core.pb.h"
#include "server/clock_watch.h"
#include "server/join_reload.h"
#include "server/shard.h"

namespace keymast::server {

// FillMetrics writes every family. No label names a channel or a member: their number has no bound.
void FillMetrics(const Shard& shard, const DatagramPort::Counters& network, const Clients& clients,
                 const About& store, const JoinFilesView& join_files, const ClockView& clock,
                 uint64_t record_lost, core::MetricsSnapshot& snapshot);

}  // namespace keymast::server
