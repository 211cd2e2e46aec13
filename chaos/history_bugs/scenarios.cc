#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {
namespace {

#define SCENARIO(name, kills) \
  { #name, &name, kills }

constexpr Scenario kScenarios[] = {
    SCENARIO(LevelDb74_CurrentAlwaysNamesAValidManifest, "file_util.temp_sync"),
    SCENARIO(
        LevelDb189_ACreatedDatabaseReopens,
        "manifest.snapshot_sync wal_chain.header_sync file_util.rename_sync"),
    SCENARIO(LevelDb195_NothingThatTheOldCurrentNeedsIsRemoved,
             "file_util.rename_sync"),
    SCENARIO(LevelDb196_ATableHasItsNameBeforeTheManifestNamesIt,
             "table_sink.name_sync"),
    SCENARIO(RocksDb5287_OutputsOfACompactionAreDurableBeforeItsEdit,
             "table_builder.sync table_sink.name_sync version_set.edit_sync"),
    SCENARIO(RocksDb10573_AManifestSwitchIsDurableBeforeTheOldOneGoes,
             "file_util.rename_sync"),
    SCENARIO(RocksDb12556_CloseKeepsUnsyncedWrites,
             "wal_chain.close_sync close.flushes_unlogged"),
    SCENARIO(RocksDb14780_TablesOfRecoveryHaveNamesBeforeTheirEdit,
             "manifest.name_sync table_builder.sync"),
    SCENARIO(Pebble9af7bb126_ALogIsUsedOnlyAfterTheOneBeforeItIsDurable,
             "wal_chain.seal wal_chain.seal_sync"),
    SCENARIO(Pebble5915_AManifestIsDurableBeforeCurrentNamesIt,
             "manifest.name_sync manifest.snapshot_sync"),
    SCENARIO(Cockroach50847_ASyncCoversEveryAcceptedByte,
             "log_writer.sync table_builder.sync"),
    SCENARIO(Cockroach117299_InputsGoOnlyAfterTheEditIsDurable,
             "version_set.edit_sync background.log_goes_after_its_flush "
             "obsolete_files.needed_logs"),
    SCENARIO(BBolt562_ASyncThatLiedIsFoundOutOrHarmless,
             "recovery.missing_log_is_damage log_frame.payload_checksum"),
    SCENARIO(Etcd14370_AnAcknowledgedSyncedWriteIsDurable,
             "commit.sync_before_ack log_writer.sync"),
    SCENARIO(Badger1625_ATableIsDurableBeforeTheManifestNamesIt,
             "table_builder.sync"),
    SCENARIO(Badger1291_AFlushBesideACompactionKeepsItsTable,
             "obsolete_files.pending job.output_is_pending"),
    SCENARIO(WiredTiger1653_ANewLogIsDurableBeforeItIsUsed,
             "wal_chain.name_sync wal_chain.header_sync"),
    SCENARIO(WiredTiger1957_ARolledManifestIsDurableBeforeCurrentNamesIt,
             "manifest.name_sync manifest.snapshot_sync"),
    SCENARIO(WiredTiger2064_TheDirectoryOfANewDatabaseIsDurable,
             "recovery.directory_sync"),
    SCENARIO(WiredTiger2867_HalfDestroyedIsNeverTakenForAlive,
             "destroy.current_goes_first"),
    SCENARIO(Turso7781_TablesNeverGetAheadOfTheLog,
             "background.flushes_oldest_first background.flush_ends_its_log"),
    SCENARIO(LevelDb75_ATornCurrentIsNeverFollowed,
             "file_util.temp_sync current_file.checksum"),
    SCENARIO(LevelDb333_AnEmptyTableIsNeverAccepted,
             "table_builder.sync version_set.table_size"),
    SCENARIO(Pebble9656de4a3_PartialMetadataDoesNotBlockOpening,
             "file_util.temp_sync background.removes_obsolete"),
    SCENARIO(Sled1527_AKilledManifestSnapshotLeavesTheOldOne,
             "manifest.snapshot_sync manifest.name_sync"),
    SCENARIO(Badger434_DamageInsideALogIsNotATornTail,
             "log_reader.witness log_writer.frame_says_synced "
             "log_reader.stops_at_gap"),
    SCENARIO(LiteDb2935_ATornFrameIsDetected, "log_frame.payload_checksum"),
    SCENARIO(LevelDb193_ASyncedLogNeverFollowsAHole, "wal_chain.seal_sync"),
    SCENARIO(RocksDb7701_ATruncatedLogEndsReplay,
             "log_reader.required_bytes recovery.unreached_logs_are_empty"),
    SCENARIO(RocksDb12918_AStaleTailIsNotAGapAndUnloggedWritesAreNone,
             "log_frame.header_context"),
    SCENARIO(RocksDb13169_AnyHoleLeavesAPrefix,
             "log_reader.stops_at_gap log_frame.payload_checksum"),
    SCENARIO(Pebble453_DamageInOneLogHidesTheNext,
             "log_reader.stops_at_gap log_frame.payload_checksum"),
    SCENARIO(Sled851_RecoveryChangesNothingThatItFound,
             "recovery.manifest recovery.fresh_numbers"),
    SCENARIO(Fjall68_AnyCrashImageOpens,
             "close.seals_log merge_rules.tombstone_at_the_bottom "
             "file_util.temp_sync"),
    SCENARIO(TigerBeetle2653_WhatRecoveryDroppedStaysDropped,
             "recovery.replayed_is_flushed log_frame.payload_checksum"),
    SCENARIO(RocksDb2495_NoTableIsInstalledAfterItsSyncFailed,
             "table_builder.sync background.flush_error_is_recorded "
             "background.compaction_error_is_recorded"),
    SCENARIO(RocksDb3740_TheFirstFailureIsNotOverwritten,
             "background.flush_error_is_recorded"),
    SCENARIO(RocksDb6288_AReadErrorIsNotTheEndOfALog,
             "log_reader.read_error_is_no_end"),
    SCENARIO(RocksDb12995_AFailedBatchIsWholeOrAbsentAfterResume,
             "commit.write_error_is_recorded resume.waits_for_flush"),
    SCENARIO(Pebble162_AManifestInDoubtStopsTheVersionSet,
             "version_set.failed_edit_is_unknown obsolete_files.known_manifest "
             "write_room.refuses_when_read_only"),
    SCENARIO(
        Redb857_NothingIsWrittenAfterAFailedWriteUntilResume,
        "commit.write_error_is_recorded log_writer.failed_write_is_overwritten "
        "write_room.refuses_when_read_only"),
    SCENARIO(Turso2091_AFailedSyncIsNeverForgotten,
             "error_state.sync_is_read_only commit.sync_error_is_recorded "
             "log_writer.poison log_writer.poisoned_seal"),
    SCENARIO(RocksDb6426_NoFileNumberIsGivenTwice, "recovery.fresh_numbers"),
    SCENARIO(Pebble580_RecordsOfAnotherLogAreRefused,
             "recovery.log_has_its_header log_reader.required_bytes"),
    SCENARIO(Pebble06feeaa2a_NumbersGoPastEveryOrphan,
             "recovery.fresh_numbers"),
    SCENARIO(RocksDb10185_SyncedBytesAreNeverAheadOfTheSync,
             "log_writer.sync_covers_what_was_there"),
    SCENARIO(Pebble3755_NoWaiterIsReleasedBeforeItsSync,
             "commit.synced_waits_for_sync"),
    SCENARIO(Etcd13766_IndexAndDataAreOneAtomicUnit,
             "log_frame.payload_checksum background.flush_ends_its_log"),
    SCENARIO(RocksDb6331_NothingIsAppendedAfterABrokenEdit,
             "version_set.failed_edit_is_unknown "
             "background.flush_error_is_recorded"),
    SCENARIO(RocksDb7784_AFullDiskNeverBlocksReopening,
             "recovery.fresh_numbers"),
};

#undef SCENARIO

}  // namespace

absl::Span<const Scenario> AllScenarios() { return kScenarios; }

}  // namespace holdfast::history_bugs
