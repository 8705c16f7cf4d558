//! A blob store with points of failure before and after everything that changes it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::faults::{Faults, What, When};

/// What one run of a server sees of the objects, which outlive it.
#[derive(Clone, Debug)]
pub struct FailingStore {
    pub objects: Arc<InMemory>,
    pub faults: Faults,
}

impl FailingStore {
    async fn change<T>(&self, what: What, change: impl Future<Output = Result<T>>) -> Result<T> {
        pass(&self.faults, When::Before, what)?;
        let done = change.await?;
        pass(&self.faults, When::After, what)?;
        Ok(done)
    }

    async fn remove(&self, location: Path) -> Result<Path> {
        // What is not there is not removed: no change, no point.
        if self.objects.head(&location).await.is_ok() {
            self.change(What::Delete, self.objects.delete(&location)).await?;
        }
        Ok(location)
    }
}

fn pass(faults: &Faults, when: When, what: What) -> Result<()> {
    if faults.fires((when, what)) {
        return Err(Error::Generic { store: "failing", source: format!("{when:?} {what:?}").into() });
    }
    Ok(())
}

impl fmt::Display for FailingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failing")
    }
}

#[async_trait]
impl ObjectStore for FailingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.change(What::Put, self.objects.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let parts = self.objects.put_multipart_opts(location, options).await?;
        Ok(Box::new(FailingUpload { parts, store: self.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .and_then(move |location| {
                let store = store.clone();
                async move { store.remove(location).await }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.change(What::Copy, self.objects.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FailingUpload {
    parts: Box<dyn MultipartUpload>,
    store: FailingStore,
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, bytes: PutPayload) -> UploadPart {
        let (part, store) = (self.parts.put_part(bytes), self.store.clone());
        Box::pin(async move { store.change(What::Part, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.store.clone().change(What::Complete, self.parts.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.abort().await
    }
}
