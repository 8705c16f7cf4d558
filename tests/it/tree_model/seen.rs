//! What a run has met: one that never met what it is for has proven nothing.

/// How often.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub copies: u64,
    pub moves: u64,
    pub renames: u64,
    pub merges: u64,
    pub capped: u64,
    pub swaps: u64,
    pub changed_under_a_copy: u64,
    pub crashes: u64,
    pub side_by_side: u64,
    pub overtook: u64,
    pub disturbed: u64,
    pub deleted_beside: u64,
    pub placed_beside: u64,
    pub searched_beside: u64,
    pub faults: u64,
    pub gave_up: u64,
    pub resent: u64,
    pub placed: u64,
    pub restored: u64,
    pub versions_deleted: u64,
    pub together: u64,
}

/// Sequences after which what is met in every few of them must have been met.
const ENOUGH_FOR_COMMON: u64 = 100;
/// Sequences after which everything must have been met.
const ENOUGH_SEQUENCES: u64 = 400;
/// So many of the fields, the first, are common.
const COMMON: usize = 10;

impl Seen {
    pub fn add(&mut self, other: &Seen) {
        let theirs = other.fields();
        for ((_, mine), (_, theirs)) in self.fields_mut().into_iter().zip(theirs) {
            *mine += theirs;
        }
    }

    pub fn assert_everything_met(&self, sequences: u64) {
        for (at, (name, count)) in self.fields().into_iter().enumerate() {
            let enough = if at < COMMON { ENOUGH_FOR_COMMON } else { ENOUGH_SEQUENCES };
            assert!(count > 0 || sequences < enough, "{sequences} sequences never met: {name}");
        }
    }

    fn fields(&self) -> [(&'static str, u64); 21] {
        self.clone().fields_mut().map(|(name, count)| (name, *count))
    }

    fn fields_mut(&mut self) -> [(&'static str, &mut u64); 21] {
        [
            ("copies", &mut self.copies),
            ("moves", &mut self.moves),
            ("renames", &mut self.renames),
            ("merges", &mut self.merges),
            ("changed under a copy", &mut self.changed_under_a_copy),
            ("crashes", &mut self.crashes),
            ("faults", &mut self.faults),
            ("gave up", &mut self.gave_up),
            ("resent", &mut self.resent),
            ("files copied, moved or renamed", &mut self.placed),
            ("capped", &mut self.capped),
            ("swaps", &mut self.swaps),
            ("two jobs under way", &mut self.side_by_side),
            ("jobs that overtook one", &mut self.overtook),
            ("requests beside a merge", &mut self.disturbed),
            ("deletions beside a merge", &mut self.deleted_beside),
            ("files copied, moved or renamed beside a merge", &mut self.placed_beside),
            ("searches for unused contents beside jobs", &mut self.searched_beside),
            ("versions restored", &mut self.restored),
            ("versions deleted", &mut self.versions_deleted),
            ("jobs finished together", &mut self.together),
        ]
    }
}
