// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <gtest/gtest.h>

#include "requests.h"

namespace keymast::linear {
namespace {

class ModelTest : public testing::Test {
 protected:
  Answer Do(const Request& request) { return model_.Do(request).answer; }
  void Must(const Request& request) { ASSERT_FALSE(Do(request).error) << ToText(request); }
  std::optional<Error> Refused(const Request& request) {
    const Model::Done done = model_.Do(request);
    EXPECT_FALSE(done.has_changed) << ToText(request);
    return done.answer.error;
  }
  Model model_;
};

TEST_F(ModelTest, AChannelIsMadeChangedAndDeleted) {
  EXPECT_EQ(Refused(GetChannel()), Error::kNotFound);
  Must(CreateChannel(5));
  EXPECT_EQ(Refused(CreateChannel(6)), Error::kAlreadyExists);
  Request other = CreateChannel(7);
  other.channel = 1;
  EXPECT_EQ(Refused(other), Error::kInvalidArgument) << "a key group is of one channel";
  Request update = UpdateChannel(8);
  update.mask = Mask::kFirst;
  update.revision = 1;
  Must(update);
  EXPECT_EQ(Refused(update), Error::kEtagMismatch);
  EXPECT_EQ(Do(GetChannel()).views, (std::vector<View>{{0, 8, 5, 1, 2}}));
  Must(DeleteChannel());
  EXPECT_EQ(Refused(DeleteChannel()), Error::kNotFound);
}

TEST_F(ModelTest, WhatHasMembersIsDeletedByForceAlone) {
  Must(CreateChannel(5));
  Must(CreateSubscriber(6));
  Must(AddMember(7));
  Request deletion = DeleteChannel();
  EXPECT_EQ(Refused(deletion), Error::kFailedPrecondition);
  EXPECT_EQ(Refused(DeleteSubscriber()), Error::kFailedPrecondition);
  Request by_force = DeleteSubscriber();
  by_force.force = true;
  Must(by_force);
  EXPECT_EQ(Refused(GetMember()), Error::kNotFound);
  Must(deletion);
}

TEST_F(ModelTest, MembersJoinLeaveAndAreExpelled) {
  Must(CreateChannel(5));
  EXPECT_EQ(Refused(AddMember(7)), Error::kNotFound) << "no such subscriber";
  Must(CreateSubscriber(6));
  Must(AddMember(7));
  EXPECT_EQ(Refused(AddMember(7)), Error::kAlreadyExists);
  EXPECT_EQ(Refused(Leave()), Error::kFailedPrecondition);
  Must(Join());
  EXPECT_EQ(Do(Join()).views, (std::vector<View>{{0, 7, kOpen, 0, 2, 0, 1}}));
  EXPECT_EQ(Do(GetChannel()).views[0].joined, 1U);
  Request past = UpdateMember(8);
  past.second = kPast;
  EXPECT_EQ(Do(past).views, (std::vector<View>{{0, 8, kPast, 0, 4}})) << "its end makes it leave";
  EXPECT_EQ(Refused(Join()), Error::kNotEntitled);
  Must(Expel());
  EXPECT_EQ(Refused(Expel()), Error::kNotFound);
}

TEST_F(ModelTest, ARequestIsCarriedOutOnce) {
  Request create = CreateChannel(5);
  create.request_id = 3;
  Must(create);
  EXPECT_FALSE(model_.Do(create).has_changed);
  Must(DeleteChannel());
  EXPECT_EQ(Do(create).views, (std::vector<View>{{0, 5, 5, 1, 0}})) << "as it was asked for";
  EXPECT_EQ(Refused(GetChannel()), Error::kNotFound);
  create.first = 6;
  EXPECT_EQ(Refused(create), Error::kRequestIdReused);
}

TEST_F(ModelTest, WhatWasRefusedIsNotKept) {
  Request update = UpdateChannel(5);
  update.request_id = 3;
  EXPECT_EQ(Refused(update), Error::kNotFound);
  Must(CreateChannel(4));
  EXPECT_TRUE(model_.Do(update).has_changed);
}

TEST_F(ModelTest, ACheckChangesNothing) {
  Request create = CreateChannel(5);
  create.validate_only = true;
  create.request_id = 3;
  EXPECT_FALSE(model_.Do(create).has_changed);
  EXPECT_EQ(Refused(GetChannel()), Error::kNotFound);
  Must(CreateChannel(5));
  EXPECT_EQ(Refused(create), Error::kAlreadyExists);
}

TEST_F(ModelTest, IdentitiesAndUserKeysAreOfOneSubscriber) {
  Must(CreateSubscriber(6));
  Request other = CreateSubscriber(6);
  other.subscribers = {1};
  other.second = 9;
  EXPECT_EQ(Refused(other), Error::kAlreadyExists);
  other.first = 9;
  other.second = 6;
  EXPECT_EQ(Refused(other), Error::kAlreadyExists);
  other.second = 9;
  Must(other);
}

TEST_F(ModelTest, DigestsTellModelsApart) {
  Model same = model_;
  EXPECT_EQ(model_.Digest(1), same.Digest(1));
  Must(CreateChannel(5));
  EXPECT_NE(model_.Digest(1), same.Digest(1));
  EXPECT_NE(model_.Digest(1), model_.Digest(2));
}

}  // namespace
}  // namespace keymast::linear
