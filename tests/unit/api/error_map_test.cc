// SPDX-License-Identifier: Apache-2.0
#include "api/error_map.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"

namespace keymast::api {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

TEST(ErrorMap, EveryReasonHasACodeAndItsLabel) {
  for (size_t i = 0; i < kErrorCount; ++i) {
    const Error error = static_cast<Error>(i);
    const grpc::Status status = ToStatus({error, "text", {}, {}, 0});
    EXPECT_NE(status.error_code(), grpc::StatusCode::OK) << ErrorName(error);
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNKNOWN) << ErrorName(error);
    const auto details = Details(status);
    ASSERT_EQ(details.details_size(), 1);
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(details.details(0).UnpackTo(&info));
    EXPECT_EQ(info.reason(), ErrorName(error));
    EXPECT_EQ(info.domain(), "keymast");
  }
}

TEST(ErrorMap, CodesThatClientsActOn) {
  EXPECT_EQ(CodeOf(Error::kNotFound), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(CodeOf(Error::kEtagMismatch), grpc::StatusCode::ABORTED);
  EXPECT_EQ(CodeOf(Error::kNoSpace), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOf(Error::kStoreClosed), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CodeOf(Error::kCompacted), grpc::StatusCode::OUT_OF_RANGE);
}

TEST(ErrorMap, CarriesViolationsResourceAndRetry) {
  Failure failure{Error::kPolicyViolation, "the policy does not hold together", {}, {}, 1500};
  failure.violations.push_back({"policy.mtk_lead", "at least 1s"});
  failure.resource = "channels/one/members/alice";
  const grpc::Status status = ToStatus(failure);
  EXPECT_EQ(status.error_message(), failure.message);
  const auto details = Details(status);
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_EQ(details.message(), failure.message);
  ASSERT_EQ(details.details_size(), 4);
  google::rpc::BadRequest bad;
  ASSERT_TRUE(details.details(1).UnpackTo(&bad));
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "policy.mtk_lead");
  EXPECT_EQ(bad.field_violations(0).description(), "at least 1s");
  google::rpc::ResourceInfo resource;
  ASSERT_TRUE(details.details(2).UnpackTo(&resource));
  EXPECT_EQ(resource.resource_name(), failure.resource);
  EXPECT_EQ(resource.resource_type(), "keymast.v1/members");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(3).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(ErrorMap, ResourceTypeOfATopLevelName) {
  google::rpc::ResourceInfo resource;
  const auto details = Details(ToStatus({Error::kNotFound, "m", {}, "channels/one", 0}));
  ASSERT_TRUE(details.details(1).UnpackTo(&resource));
  EXPECT_EQ(resource.resource_type(), "keymast.v1/channels");
}

}  // namespace
}  // namespace keymast::api
