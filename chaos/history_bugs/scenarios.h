// The scenarios, one or more for each bug that another engine shipped, and the
// table of them. What each bug was, and what became of it here:
// docs/history_bugs.md. How a scenario answers: scenario.h.
//
//   for (const Scenario& scenario : AllScenarios()) {
//     const absl::Status status = scenario.run();   // OK: the invariant held
//   }

#ifndef HOLDFAST_CHAOS_HISTORY_BUGS_SCENARIOS_H_
#define HOLDFAST_CHAOS_HISTORY_BUGS_SCENARIOS_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace holdfast::history_bugs {

struct Scenario {
  std::string_view name;
  absl::Status (*run)();
  // Steps of the engine, by the names of their mutants (base/mutant.h), each of
  // which this scenario needs: without it, it must fail. Separated by spaces.
  std::string_view kills;
};

absl::Span<const Scenario> AllScenarios();

// Ordering, or a missing sync: ordering.cc (files and names), pointers.cc (who
// names whom).
absl::Status LevelDb74_CurrentAlwaysNamesAValidManifest();
absl::Status LevelDb189_ACreatedDatabaseReopens();
absl::Status LevelDb195_NothingThatTheOldCurrentNeedsIsRemoved();
absl::Status LevelDb196_ATableHasItsNameBeforeTheManifestNamesIt();
absl::Status RocksDb5287_OutputsOfACompactionAreDurableBeforeItsEdit();
absl::Status RocksDb10573_AManifestSwitchIsDurableBeforeTheOldOneGoes();
absl::Status RocksDb12556_CloseKeepsUnsyncedWrites();
absl::Status RocksDb14780_TablesOfRecoveryHaveNamesBeforeTheirEdit();
absl::Status Pebble9af7bb126_ALogIsUsedOnlyAfterTheOneBeforeItIsDurable();
absl::Status Pebble5915_AManifestIsDurableBeforeCurrentNamesIt();
absl::Status Cockroach50847_ASyncCoversEveryAcceptedByte();
absl::Status Cockroach117299_InputsGoOnlyAfterTheEditIsDurable();
absl::Status BBolt562_ASyncThatLiedIsFoundOutOrHarmless();
absl::Status Etcd14370_AnAcknowledgedSyncedWriteIsDurable();
absl::Status Badger1625_ATableIsDurableBeforeTheManifestNamesIt();
absl::Status Badger1291_AFlushBesideACompactionKeepsItsTable();
absl::Status WiredTiger1653_ANewLogIsDurableBeforeItIsUsed();
absl::Status WiredTiger1957_ARolledManifestIsDurableBeforeCurrentNamesIt();
absl::Status WiredTiger2064_TheDirectoryOfANewDatabaseIsDurable();
absl::Status WiredTiger2867_HalfDestroyedIsNeverTakenForAlive();
absl::Status Turso7781_TablesNeverGetAheadOfTheLog();

// Torn or partial: torn.cc.
absl::Status LevelDb75_ATornCurrentIsNeverFollowed();
absl::Status LevelDb333_AnEmptyTableIsNeverAccepted();
absl::Status Pebble9656de4a3_PartialMetadataDoesNotBlockOpening();
absl::Status Sled1527_AKilledManifestSnapshotLeavesTheOldOne();
absl::Status Badger434_DamageInsideALogIsNotATornTail();
absl::Status LiteDb2935_ATornFrameIsDetected();

// A hole in the log: hole.cc.
absl::Status LevelDb193_ASyncedLogNeverFollowsAHole();
absl::Status RocksDb7701_ATruncatedLogEndsReplay();
absl::Status RocksDb12918_AStaleTailIsNotAGapAndUnloggedWritesAreNone();
absl::Status RocksDb13169_AnyHoleLeavesAPrefix();
absl::Status Pebble453_DamageInOneLogHidesTheNext();

// Two crashes, and recovery: recovery.cc.
absl::Status Sled851_RecoveryChangesNothingThatItFound();
absl::Status Fjall68_AnyCrashImageOpens();
absl::Status TigerBeetle2653_WhatRecoveryDroppedStaysDropped();

// I/O errors: io_error.cc.
absl::Status RocksDb2495_NoTableIsInstalledAfterItsSyncFailed();
absl::Status RocksDb3740_TheFirstFailureIsNotOverwritten();
absl::Status RocksDb6288_AReadErrorIsNotTheEndOfALog();
absl::Status RocksDb12995_AFailedBatchIsWholeOrAbsentAfterResume();
absl::Status Pebble162_AManifestInDoubtStopsTheVersionSet();
absl::Status Redb857_NothingIsWrittenAfterAFailedWriteUntilResume();
absl::Status Turso2091_AFailedSyncIsNeverForgotten();

// Names and numbers that come again: names.cc.
absl::Status RocksDb6426_NoFileNumberIsGivenTwice();
absl::Status Pebble580_RecordsOfAnotherLogAreRefused();
absl::Status Pebble06feeaa2a_NumbersGoPastEveryOrphan();

// Concurrency: concurrency.cc.
absl::Status RocksDb10185_SyncedBytesAreNeverAheadOfTheSync();
absl::Status Pebble3755_NoWaiterIsReleasedBeforeItsSync();
absl::Status Etcd13766_IndexAndDataAreOneAtomicUnit();

// Full disk and short writes: full_disk.cc.
absl::Status RocksDb6331_NothingIsAppendedAfterABrokenEdit();
absl::Status RocksDb7784_AFullDiskNeverBlocksReopening();

}  // namespace holdfast::history_bugs

#endif  // HOLDFAST_CHAOS_HISTORY_BUGS_SCENARIOS_H_
