#include "engine/db/error_state.h"

#include "gtest/gtest.h"

namespace holdfast {
namespace {

absl::Status NoSpace() { return absl::ResourceExhaustedError("disk full"); }
absl::Status IoError() { return absl::InternalError("I/O error"); }
absl::Status Damage() { return absl::DataLossError("bad block"); }

struct ReactionCase {
  ErrorSource source;
  absl::Status error;
  ErrorReaction reaction;
};

// The whole table of decisions.
TEST(ErrorStateTest, ReactsBySourceAndCode) {
  using S = ErrorSource;
  using R = ErrorReaction;
  const ReactionCase cases[] = {
      {S::kWalWrite, NoSpace(), R::kReport},
      {S::kWalWrite, IoError(), R::kReadOnly},
      {S::kWalWrite, Damage(), R::kFail},
      {S::kWalSync, NoSpace(), R::kReadOnly},
      {S::kWalSync, IoError(), R::kReadOnly},
      {S::kWalSync, Damage(), R::kFail},
      {S::kWalRotate, NoSpace(), R::kReport},
      {S::kWalRotate, IoError(), R::kReadOnly},
      {S::kWalRotate, Damage(), R::kFail},
      {S::kWalAhead, NoSpace(), R::kRetry},
      {S::kWalAhead, IoError(), R::kRetry},
      {S::kFlush, NoSpace(), R::kRetry},
      {S::kFlush, IoError(), R::kReadOnly},
      {S::kFlush, Damage(), R::kFail},
      {S::kCompaction, NoSpace(), R::kRetry},
      {S::kCompaction, IoError(), R::kReadOnly},
      {S::kCompaction, Damage(), R::kFail},
  };
  for (const ReactionCase& c : cases) {
    EXPECT_EQ(ReactionTo(c.source, c.error), c.reaction)
        << static_cast<int>(c.source) << " " << c.error;
  }
}

TEST(ErrorStateTest, SoftErrorLetsWritesGoOnAndEndsWithSuccess) {
  ErrorState state;
  state.Record(ErrorSource::kFlush, NoSpace());
  EXPECT_FALSE(state.hard());
  EXPECT_TRUE(state.WriteStatus().ok());
  EXPECT_EQ(state.health().state, HealthState::kHealthy);
  EXPECT_EQ(state.health().cause, NoSpace());
  state.RecordSuccess();
  EXPECT_TRUE(state.health().cause.ok());
}

TEST(ErrorStateTest, HardErrorStopsWritesAndKeepsTheFirstCause) {
  ErrorState state;
  state.Record(ErrorSource::kWalSync, IoError());
  state.Record(ErrorSource::kFlush, NoSpace());
  state.Record(ErrorSource::kWalWrite, absl::UnknownError("later"));
  EXPECT_EQ(state.health().state, HealthState::kReadOnly);
  EXPECT_EQ(state.cause(), IoError());
  const absl::Status status = state.WriteStatus();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("read-only"), std::string::npos);
  EXPECT_NE(status.message().find("I/O error"), std::string::npos);
}

TEST(ErrorStateTest, SuccessOfOtherWorkDoesNotEndAHardError) {
  ErrorState state;
  state.Record(ErrorSource::kWalSync, IoError());
  state.RecordSuccess();
  EXPECT_TRUE(state.hard());
}

TEST(ErrorStateTest, DamageIsWorseThanReadOnly) {
  ErrorState state;
  state.Record(ErrorSource::kWalSync, IoError());
  state.Record(ErrorSource::kCompaction, Damage());
  EXPECT_EQ(state.health().state, HealthState::kFailed);
  EXPECT_EQ(state.cause(), Damage());
}

TEST(ErrorStateTest, ResumeEndsReadOnly) {
  ErrorState state;
  state.Record(ErrorSource::kWalSync, IoError());
  state.BeginResume();
  EXPECT_TRUE(state.WriteStatus().ok());
  EXPECT_EQ(state.health().state, HealthState::kHealthy);
}

TEST(ErrorStateDeathTest, ResumeOfAFailedDatabaseDies) {
  ErrorState state;
  state.Record(ErrorSource::kCompaction, Damage());
  EXPECT_DEATH(state.BeginResume(), "CHECK failed");
}

}  // namespace
}  // namespace holdfast
