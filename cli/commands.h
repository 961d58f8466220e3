// SPDX-License-Identifier: Apache-2.0
// Each adds its commands to the program; docs/keymastctl.md tells of them.
#pragma once

#include "cli/tree.h"

namespace keymast::cli {

void AddChannels(Command& program);
void AddSubscribers(Command& program);
void AddMembers(Command& program);
void AddHeadends(Command& program);
void AddSchedules(Command& program);
void AddRekeys(Command& program);
void AddWatch(Command& program);
void AddTop(Command& program);
void AddExplain(Command& program);
void AddOperations(Command& program);
void AddAudit(Command& program);
void AddAuditVerify(Command& group);
void AddServer(Command& program);  // status, backups, master-key
void AddCall(Command& program);    // call, list, describe
void AddCompletion(Command& program);
void AddMan(Command& program);

}  // namespace keymast::cli
