"""The current Python SDK against a server of ours, told where to go by its base URL and nothing else."""

import base64
import tempfile
from pathlib import Path

import imagekitio
from checks import (BASE, BYTES, PICTURE, PRIVATE_KEY, PUBLIC_KEY, UNKNOWN_ID, URL_ENDPOINT, check, completed, failure,
                    fetched, forged, posted, same, same_bytes)

client = imagekitio.ImageKit(private_key=PRIVATE_KEY, base_url=BASE)


def upload(folder, name, content=BYTES, **more):
    return client.files.upload(file=content, file_name=name, folder=folder, use_unique_file_name=False, **more)


def names(path, **more):
    return sorted(asset.name for asset in client.assets.list(path=path, **more))


def job(submitted, kind):
    last = completed(lambda: client.folders.job.get(submitted.job_id))
    same((last.job_id, last.type), (submitted.job_id, kind), "the job")
    return last


@check("upload, binary")
def _():
    answer = client.files.upload(file=PICTURE, file_name="a.png")
    assert answer.name.startswith("a_") and answer.name.endswith(".png"), answer.name
    same((answer.width, answer.height, answer.size, answer.file_type), (1, 1, len(PICTURE), "image"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "disk.bin")
        path.write_bytes(BYTES)
        same_bytes(upload("/bytes", "b.bin", path).url, BYTES)


@check("upload, base64")
def _():
    text = base64.b64encode(PICTURE)
    same(upload("/base64", "c.png", (None, text)).size, len(PICTURE))
    same(upload("/base64", "d.png", (None, b"data:image/png;base64," + text)).size, len(PICTURE))


@check("upload, URL")
def _():
    url = upload("/source", "e.bin").url
    answer = upload("/source", "f.bin", (None, url.encode()))
    same((answer.file_path, answer.size), ("/source/f.bin", len(BYTES)))
    same_bytes(answer.url, BYTES)


@check("upload, options")
def _():
    fields = ["tags", "customCoordinates", "isPrivateFile", "isPublished"]
    answer = upload("/options/deep", "g.png", PICTURE, tags=["red", "big"], is_private_file=True, is_published=True,
                    custom_coordinates="0,0,1,1", description="a dot", overwrite_tags=False, response_fields=fields)
    same((answer.tags, answer.custom_coordinates, answer.description), (["red", "big"], "0,0,1,1", "a dot"))
    same((answer.is_private_file, answer.is_published), (True, True))


@check("upload, new version")
def _():
    first, second = upload("/again", "h.bin"), upload("/again", "h.bin", PICTURE)
    same((second.file_id, second.version_info.name), (first.file_id, "Version 2"))


@check("upload, client-side signature")
def _():
    fields = {"fileName": "i.bin", "publicKey": PUBLIC_KEY, **client.helper.get_authentication_parameters()}
    same(posted("/api/v1/files/upload", fields, "i.bin", BYTES), 200, "the first use of the token")
    same(posted("/api/v1/files/upload", fields, "i.bin", BYTES), 400, "the second use of the token")


@check("upload, v2")
def _():
    name = "two words, 'q' & ü.bin"
    answer = client.beta.v2.files.upload(file=BYTES, file_name=name, folder="/v 2", use_unique_file_name=False)
    same(answer.file_path, f"/v 2/{name}")
    same_bytes(answer.url, BYTES)


@check("list files")
def _():
    for name in ["a.bin", "b.bin", "c.bin"]:
        upload("/list", name)
    client.folders.create(folder_name="inner", parent_folder_path="/list")
    same(names("/list"), ["a.bin", "b.bin", "c.bin"])
    same(names("/list", sort="DESC_NAME", skip=1, limit=1), ["b.bin"])
    same(names("/list", type="folder"), ["inner"])
    same(names("/list", type="all"), ["a.bin", "b.bin", "c.bin", "inner"])


@check("list files, search")
def _():
    upload("/search", "one.bin")
    upload("/search", "two.bin")
    same(names("/search", search_query='type = "file" AND name = "two.bin"'), ["two.bin"])


@check("file details")
def _():
    file_id = upload("/details", "a.png", PICTURE).file_id
    file = client.files.get(file_id)
    same((file.file_id, file.type, file.file_path, file.mime), (file_id, "file", "/details/a.png", "image/png"))
    same((file.is_private_file, file.tags, file.custom_metadata), (False, None, {}))
    assert file.created_at.tzinfo and file.updated_at.tzinfo, "times with a zone"


def told(metadata):
    return metadata.width, metadata.height, metadata.size, metadata.format, metadata.exif.gps.to_dict()


@check("file metadata")
def _():
    file_id = upload("/metadata", "a.png", PICTURE).file_id
    same(told(client.files.metadata.get(file_id)), (1, 1, len(PICTURE), "png", {}))


@check("metadata of a URL")
def _():
    url = upload("/metadata/of a", "b c.png", PICTURE).url
    same(told(client.files.metadata.get_from_url(url=url)), (1, 1, len(PICTURE), "png", {}))


@check("update details")
def _():
    file_id = upload("/update", "a.png", PICTURE).file_id
    file = client.files.update(file_id, tags=["x", "y"], custom_coordinates="0,0,1,1", description="d")
    same((file.tags, file.custom_coordinates, file.description), (["x", "y"], "0,0,1,1", "d"))
    bare = client.files.update(file_id, tags=None, custom_coordinates=None)
    same((bare.tags, bare.custom_coordinates), (None, None))
    same(client.files.update(file_id, publish={"is_published": False}).is_published, False)


@check("add, remove tags")
def _():
    ids = [upload("/tags", "a.bin").file_id, upload("/tags", "b.bin").file_id]
    same(sorted(client.files.bulk.add_tags(file_ids=ids, tags=["s", "t"]).successfully_updated_file_ids), sorted(ids))
    client.files.bulk.remove_tags(file_ids=ids, tags=["s"])
    same(client.files.get(ids[1]).tags, ["t"])
    same(len(client.files.bulk.remove_ai_tags(file_ids=ids, ai_tags=["none"]).successfully_updated_file_ids), 2)


@check("copy file")
def _():
    original = upload("/file", "copied.bin")
    client.files.copy(source_file_path="/file/copied.bin", destination_path="/file-copy", include_file_versions=True)
    [copy] = client.assets.list(path="/file-copy")
    assert copy.name == "copied.bin" and copy.file_id != original.file_id, "the copy has an id of its own"
    same_bytes(copy.url, BYTES)


@check("move file")
def _():
    file_id = upload("/file", "moved.bin").file_id
    client.files.move(source_file_path="/file/moved.bin", destination_path="/file-move")
    same(client.files.get(file_id).file_path, "/file-move/moved.bin")


@check("rename file")
def _():
    file_id = upload("/file", "old.bin").file_id
    client.files.rename(file_path="/file/old.bin", new_file_name="new.bin")
    same(client.files.get(file_id).file_path, "/file/new.bin")
    purge = client.files.rename(file_path="/file/new.bin", new_file_name="newer.bin", purge_cache=True).purge_request_id
    assert client.cache.invalidation.get(purge).status in ("Pending", "Completed")


@check("list versions")
def _():
    file_id = upload("/versions", "l.bin").file_id
    upload("/versions", "l.bin", PICTURE)
    same(sorted(version.type for version in client.files.versions.list(file_id)), ["file", "file-version"])
    one = client.files.versions.get(file_id, file_id=file_id)
    same((one.version_info.id, one.version_info.name), (file_id, "Version 1"))
    same_bytes(one.url, BYTES)


@check("restore, delete version")
def _():
    file_id = upload("/versions", "r.bin").file_id
    second = upload("/versions", "r.bin", PICTURE)
    same(client.files.versions.restore(file_id, file_id=file_id).type, "file")
    client.files.versions.delete(second.version_info.id, file_id=file_id)
    same(len(client.files.versions.list(file_id)), 1)


@check("delete file")
def _():
    client.files.delete(upload("/delete", "one.bin").file_id)
    same(names("/delete"), [])


@check("delete files in bulk")
def _():
    ids = [upload("/delete", "a.bin").file_id, upload("/delete", "b.bin").file_id]
    error = failure(imagekitio.NotFoundError, lambda: client.files.bulk.delete(file_ids=[*ids, UNKNOWN_ID]))
    same(error.body["missingFileIds"], [UNKNOWN_ID])
    same(sorted(client.files.bulk.delete(file_ids=ids).successfully_deleted_file_ids), sorted(ids))


@check("create, delete folder")
def _():
    for parent in ["/folders", "/folders/"]:
        client.folders.create(folder_name="made", parent_folder_path=parent)
    same(names("/folders", type="folder"), ["made"])
    client.folders.delete(folder_path="/folders/made")
    same(names("/folders", type="folder"), [])


@check("copy folder")
def _():
    upload("/tree/inner", "a.bin")
    upload("/tree/inner", "a.bin", PICTURE)
    job(client.folders.copy(source_folder_path="/tree", destination_path="/copies"), "COPY_FOLDER")
    job(client.folders.copy(source_folder_path="/tree", destination_path="/histories", include_versions=True), "COPY_FOLDER")
    for copies, count in [("/copies", 1), ("/histories", 2)]:
        [copy] = client.assets.list(path=f"{copies}/tree/inner")
        same(len(client.files.versions.list(copy.file_id)), count, f"versions below {copies}")


@check("move folder")
def _():
    upload("/moving/inner", "a.bin")
    job(client.folders.move(source_folder_path="/moving", destination_path="/moved"), "MOVE_FOLDER")
    same((names("/moved/moving/inner"), names("/moving/inner")), (["a.bin"], []))


@check("rename folder")
def _():
    upload("/named/old", "a.bin")
    plain = job(client.folders.rename(folder_path="/named/old", new_folder_name="new"), "RENAME_FOLDER")
    same((names("/named/new"), plain.purge_request_id), (["a.bin"], None))
    last = job(client.folders.rename(folder_path="/named/new", new_folder_name="newer", purge_cache=True), "RENAME_FOLDER")
    assert client.cache.invalidation.get(last.purge_request_id).status in ("Pending", "Completed")


@check("job status")
def _():
    upload("/status", "a.bin")
    submitted = client.folders.copy(source_folder_path="/status", destination_path="/status-copy")
    assert client.folders.job.get(submitted.job_id).status in ("Pending", "Completed")
    same(sorted(job(submitted, "COPY_FOLDER").to_dict()), ["jobId", "status", "type"])


@check("purge cache")
def _():
    request = client.cache.invalidation.create(url=upload("/purge", "a.bin").url).request_id
    assert client.cache.invalidation.get(request).status in ("Pending", "Completed")


@check("custom metadata fields")
def _():
    schema = {"type": "Date", "min_value": "2020-01-01T00:00:00.000Z"}
    field = client.custom_metadata_fields.create(name="taken", label="Taken", schema=schema)
    same((field.name, field.schema_.type), ("taken", "Date"))
    same([one.id for one in client.custom_metadata_fields.list()], [field.id])
    file_id = upload("/fields", "a.bin", custom_metadata={"taken": "2024-02-03T04:05:06.000Z"}).file_id
    same(client.files.get(file_id).custom_metadata, {"taken": "2024-02-03T04:05:06.000Z"})
    update = lambda: client.files.update(file_id, custom_metadata={"taken": "2019-01-01T00:00:00.000Z"})
    assert "taken" in failure(imagekitio.BadRequestError, update).body["errors"], "which field is wrong"
    same(client.custom_metadata_fields.update(field.id, label="Day").label, "Day")
    client.custom_metadata_fields.delete(field.id)
    same((client.custom_metadata_fields.list(), len(client.custom_metadata_fields.list(include_deleted=True))), ([], 1))


def signed(src, **more):
    return client.helper.build_url(url_endpoint=URL_ENDPOINT, src=src, **more)


@check("signed URL")
def _():
    private = upload("/private", "s.bin", is_private_file=True)
    same(fetched(private.url)[0], 401, "unsigned")
    same_bytes(signed(private.file_path, signed=True), BYTES)
    same_bytes(signed(private.file_path, expires_in=300), BYTES)
    same_bytes(signed(private.url, signed=True), BYTES)
    same_bytes(signed(private.file_path, signed=True, transformation=[{"original": True}]), BYTES)
    same_bytes(signed(private.file_path, signed=True, query_parameters={"v": "1", "ik-attachment": "true"}), BYTES)
    same(fetched(forged(signed(private.file_path, signed=True)))[0], 401, "forged")


@check("signed URL, odd names")
def _():
    for name in ["ü b.bin", "日本語.bin", "100%.bin", "a+b&c.bin"]:
        answer = client.beta.v2.files.upload(file=BYTES, file_name=name, folder="/private ü", is_private_file=True,
                                             use_unique_file_name=False)
        same_bytes(signed(answer.file_path, signed=True), BYTES)


@check("errors, unknown file")
def _():
    error = failure(imagekitio.NotFoundError, lambda: client.files.get(UNKNOWN_ID))
    same((error.status_code, error.body["message"]), (404, "The requested file does not exist."))
    assert error.response.headers["x-ik-requestid"]


@check("errors, unknown job")
def _():
    error = failure(imagekitio.NotFoundError, lambda: client.folders.job.get(UNKNOWN_ID))
    same(error.body["message"], "The requested job does not exist.")


@check("errors, invalid request")
def _():
    error = failure(imagekitio.BadRequestError, lambda: client.folders.move(source_folder_path="/", destination_path="/x"))
    same((error.body["reason"], error.body["message"]), ("SOURCE_IS_ROOT", "sourceFolderPath cannot be root"))


@check("errors, wrong key")
def _():
    stranger = imagekitio.ImageKit(private_key="private_nobody", base_url=BASE)
    error = failure(imagekitio.PermissionDeniedError, stranger.assets.list)
    same(error.body["message"], "Your account cannot be authenticated.")


@check("errors, conflict sent once")
def _():
    upload("/conflict/a", "a.bin")
    upload("/conflict/b", "b.bin")
    rename = lambda: client.folders.rename(folder_path="/conflict/a", new_folder_name="b")
    error = failure(imagekitio.ConflictError, rename)
    same(error.response.request.headers["x-stainless-retry-count"], "0", "how often it was sent again")
