//! The scenarios.

use calotype::model::job::Phase;

use super::deeds::Bulk;
use super::deeds::Deed::{self, *};

/// Deeds, done to a home.
pub struct Scenario {
    pub name: &'static str,
    pub batch_rows: i64,
    /// What a home has beside what [`TEMPLATE`] makes.
    pub template: &'static [Deed],
    /// Done before anything may fail.
    pub before: &'static [Deed],
    pub deeds: &'static [Deed],
    /// What becomes of the jobs in order of submission: why one fails, and how many files it leaves behind. All others do all.
    pub ends: &'static [(Option<&'static str>, i64)],
}

/// Uploads that make a home. A folder without files comes to be with the last.
pub const TEMPLATE: &[Deed] = &[
    Upload("a/x", 1),
    Upload("a/x", 2),
    Upload("a/x", 3),
    Upload("a/y", 4),
    Upload("a/in/z", 5),
    Upload("a/in/z", 6),
    Upload("a/in/deep/w", 7),
    Upload("b/a/x", 8),
    Upload("b/a/x", 9),
    Upload("b/a/in/z", 10),
    Upload("b/a/own", 11),
    MakeFolder("c", "empty"),
];

const SMALL: i64 = 2;
const LARGE: i64 = 4_000;
/// Goes in two parts.
const TWO_PARTS: usize = calotype::blobs::PART_BYTES + 1;
/// One more fits beside them.
const NEARLY_ALL: usize = 99;

/// What most scenarios have in common.
const PLAIN: Scenario = Scenario { name: "", batch_rows: SMALL, template: &[], before: &[], deeds: &[], ends: &[] };

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "copy", deeds: &[Job(Bulk::CopyVersions, "a", "c"), Work], ..PLAIN },
    Scenario { name: "move", deeds: &[Job(Bulk::Move, "a", "new/place"), Work], ..PLAIN },
    Scenario { name: "rename", deeds: &[Job(Bulk::Rename, "a", "d"), Work], ..PLAIN },
    Scenario { name: "merging move", deeds: &[Job(Bulk::Move, "a", "b"), Work], ..PLAIN },
    Scenario { name: "merging copy", deeds: &[Job(Bulk::CopyVersions, "a", "b"), Work], ..PLAIN },
    Scenario {
        name: "two jobs in one step",
        batch_rows: LARGE,
        deeds: &[Job(Bulk::CopyVersions, "a", "c"), Job(Bulk::Rename, "b", "d"), Work],
        ..PLAIN
    },
    // One makes the folder on the way for both.
    Scenario {
        name: "small copies made together",
        batch_rows: LARGE,
        deeds: &[Job(Bulk::Copy, "b/a/in", "new"), Job(Bulk::Copy, "a/in/deep", "new"), Work],
        ..PLAIN
    },
    Scenario {
        name: "two jobs that meet",
        deeds: &[Job(Bulk::Move, "a", "b"), Job(Bulk::CopyVersions, "b", "c"), Work],
        ..PLAIN
    },
    // The folder `deep` and most files are found in the journal only.
    Scenario {
        name: "a source that changes while it is copied",
        before: &[
            Job(Bulk::CopyVersions, "a", "c"),
            Until(Phase::CloneFolders),
            Upload("a/x", 18),
            Delete("a/y"),
            Move("a/in/z", "b"),
            DeleteFolder("a/in/deep"),
            Upload("a/in/late", 19),
        ],
        deeds: &[Until(Phase::CloneFiles), Delete("a/x"), Work],
        ..PLAIN
    },
    Scenario {
        name: "a source that is merged away while it is copied",
        before: &[Job(Bulk::CopyVersions, "a/in", "c"), Until(Phase::CloneFolders)],
        deeds: &[Job(Bulk::Move, "a/in", "b/a"), Work],
        ..PLAIN
    },
    Scenario {
        name: "uploads into what is merged away",
        before: &[
            Job(Bulk::Move, "a/in", "b/a"),
            Until(Phase::MergeFolders),
            Upload("a/in/z", 18),
            Upload("a/in/deep/late", 19),
        ],
        deeds: &[Work],
        ..PLAIN
    },
    Scenario {
        name: "a folder that takes the place of the one it lies in",
        template: &[Upload("b/a/a/x", 18), Upload("b/a/a/a/y", 19)],
        deeds: &[Job(Bulk::Move, "b/a/a", "b"), Work],
        ..PLAIN
    },
    Scenario {
        name: "histories that are too long together",
        template: &[Uploads("m/x", NEARLY_ALL), Upload("m/y", 2), Upload("n/m/x", 3), Upload("n/m/x", 4)],
        deeds: &[Job(Bulk::CopyVersions, "m", "n"), Job(Bulk::Move, "m", "n"), Work],
        ends: &[(None, 1), (None, 1)],
        ..PLAIN
    },
    Scenario {
        name: "jobs that become impossible",
        before: &[
            Job(Bulk::CopyVersions, "a/in", "c/to"),
            Until(Phase::CloneFiles),
            DeleteFolder("c/to"),
            Job(Bulk::Rename, "b", "d"),
            Upload("d/f", 18),
            Job(Bulk::Move, "c/empty", "b"),
            DeleteFolder("c/empty"),
        ],
        deeds: &[Work],
        ends: &[
            (Some("The destination folder was deleted."), 0),
            (Some("A folder with the new name exists at the same location."), 0),
            (Some("The source folder no longer exists."), 0),
        ],
        ..PLAIN
    },
    Scenario {
        name: "a folder that is deleted while it is merged",
        before: &[Job(Bulk::Move, "a", "b"), Until(Phase::MergeFolders), DeleteFolder("b/a")],
        deeds: &[Work],
        ends: &[(Some("A folder was deleted while it was merged."), 0)],
        ..PLAIN
    },
    Scenario {
        name: "leases",
        before: &[Job(Bulk::CopyVersions, "a", "c")],
        deeds: &[Leave, Until(Phase::CloneFiles), Stumble, EndLeases, Work],
        ..PLAIN
    },
    Scenario {
        name: "uploads",
        deeds: &[Upload("new/folder/f", 12), Upload("a/x", 13), Upload("a/big", TWO_PARTS)],
        ..PLAIN
    },
    Scenario {
        name: "files and folders",
        deeds: &[
            Copy("a/x", "b/a"),
            Copy("a/y", "new/folder"),
            Move("a/in/z", "b/a/in"),
            Rename("a/y", "y2"),
            Restore("b/a/x"),
            DeleteVersion("b/a/x"),
            Delete("b/a/own"),
            MakeFolder("c/empty", "er"),
            DeleteFolder("a"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "sweep",
        before: &[Upload("a/lone", 14), Upload("a/gone", 15), Delete("a/gone"), DeleteFolder("a")],
        deeds: &[Sweep],
        ..PLAIN
    },
    Scenario { name: "lost server", deeds: &[TakeLostBlocks, Sweep], ..PLAIN },
    Scenario {
        name: "restart",
        before: &[Upload("a/x", 16), Job(Bulk::CopyVersions, "a", "c"), Until(Phase::CloneFolders)],
        deeds: &[Restart, Work],
        ..PLAIN
    },
];
