//! Uploads.

use std::sync::atomic::Ordering;

use calotype::blobs::{Provisional, Stored};
use calotype::error::{Error, Refusal};
use calotype::library::upload::{self, Overwrite, Upload};
use calotype::model::ids::BlobId;
use calotype::tree::place::Names;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::model::Path;
use super::sequence::{FAIR, FILE_NAMES, Sequence};

/// Versions of a file that is made to meet the cap of 100 in a merge.
const MANY_VERSIONS: usize = 51;

impl Sequence<'_> {
    pub(super) async fn upload(&mut self) {
        let folder = if self.random.random_bool(0.7) { self.known_path() } else { self.any_path() };
        let name = *FILE_NAMES.choose(&mut self.random).expect("names");
        self.upload_to(&folder, name).await;
    }

    async fn upload_to(&mut self, folder: &[String], name: &str) {
        self.uploads += 1;
        let content = self.uploads;
        let bytes = self.put(content).await;
        let happens = self.maybe_fault();
        let fair = self.fault.load(Ordering::Relaxed) == FAIR;
        let answer = self.store(folder, name, bytes).await;
        if matches!(answer, Err(Error::Refused(_))) {
            self.fault.store(FAIR, Ordering::Relaxed);
            assert!(matches!(answer, Err(Error::Refused(Refusal::TooManyVersions))), "seed {}: {answer:?}", self.seed);
            assert!(!self.model.clone().upload(folder, name, content), "seed {}: an upload was refused", self.seed);
            return;
        }
        assert_eq!(answer.is_ok(), fair, "seed {}: {answer:?}", self.seed);
        if happens {
            assert!(self.model.upload(folder, name, content), "seed {}: an upload was not refused", self.seed);
            self.note_change();
        }
    }

    /// A blob of so many bytes.
    pub(super) async fn put(&self, bytes: i64) -> (BlobId, Stored, Provisional) {
        let bytes = vec![b'.'; usize::try_from(bytes).expect("few")];
        let blob_id = self.app().blob_ids.take(&self.app().db).await.expect("a blob id").leave_open();
        let body = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes.into())]);
        let stored = self.app().blobs.put(blob_id, body, 1 << 20).await.expect("a blob");
        (blob_id, stored, self.app().blobs.provisional(blob_id))
    }

    pub(super) async fn store(
        &self,
        folder: &[String],
        name: &str,
        bytes: (BlobId, Stored, Provisional),
    ) -> Result<(), Error> {
        let (blob_id, stored, blob) = bytes;
        let upload = Upload {
            file_name: name.into(),
            folder: self.real(folder),
            names: Names::Verbatim,
            unique_name: false,
            overwrite: Overwrite { file: true, tags: true, ai_tags: true, custom_metadata: true },
            private: false,
            published: true,
            tags: None,
            custom_coordinates: None,
            custom_metadata: None,
            description: None,
            transformation: None,
            checks: None,
        };
        let _watch = self.app().blob_ids.watch(blob_id);
        upload::store(self.app(), &upload, blob_id, &stored, blob).await.map(drop)
    }

    /// Two files of one name that do not fit together.
    pub(super) async fn make_long_histories(&mut self) {
        for folder in ["a", "b/a"] {
            let folder: Path = folder.split('/').map(str::to_owned).collect();
            for _ in 0..MANY_VERSIONS {
                self.upload_to(&folder, "x").await;
            }
        }
        self.bent_on = Some((vec!["a".to_owned()], vec!["b".to_owned()]));
    }
}
