"""The last major of the legacy Python SDK. Its hosts are attributes of one class, set here to a server of ours."""

import base64
import tempfile
from urllib.parse import quote

from checks import (BASE, BYTES, PICTURE, PRIVATE_KEY, PUBLIC_KEY, UNKNOWN_ID, URL_ENDPOINT, check, completed, failure,
                    fetched, forged, posted, same, same_bytes)
from imagekitio import ImageKit
from imagekitio.constants.url import URL
from imagekitio.exceptions.BadRequestException import BadRequestException
from imagekitio.exceptions.ConflictException import ConflictException
from imagekitio.exceptions.ForbiddenException import ForbiddenException
from imagekitio.exceptions.NotFoundException import NotFoundException
from imagekitio.exceptions.UnknownException import UnknownException
from imagekitio.models.CopyFileRequestOptions import CopyFileRequestOptions
from imagekitio.models.CopyFolderRequestOptions import CopyFolderRequestOptions
from imagekitio.models.CreateCustomMetadataFieldsRequestOptions import CreateCustomMetadataFieldsRequestOptions
from imagekitio.models.CreateFolderRequestOptions import CreateFolderRequestOptions
from imagekitio.models.CustomMetadataFieldsSchema import CustomMetadataFieldsSchema
from imagekitio.models.CustomMetaDataTypeEnum import CustomMetaDataTypeEnum
from imagekitio.models.DeleteFolderRequestOptions import DeleteFolderRequestOptions
from imagekitio.models.ListAndSearchFileRequestOptions import ListAndSearchFileRequestOptions
from imagekitio.models.MoveFileRequestOptions import MoveFileRequestOptions
from imagekitio.models.MoveFolderRequestOptions import MoveFolderRequestOptions
from imagekitio.models.RenameFileRequestOptions import RenameFileRequestOptions
from imagekitio.models.UpdateCustomMetadataFieldsRequestOptions import UpdateCustomMetadataFieldsRequestOptions
from imagekitio.models.UpdateFileRequestOptions import UpdateFileRequestOptions
from imagekitio.models.UploadFileRequestOptions import UploadFileRequestOptions

URL.API_BASE_URL = URL.UPLOAD_BASE_URL = BASE
opened = []  # temporary files, which go when the program ends
client = ImageKit(private_key=PRIVATE_KEY, public_key=PUBLIC_KEY, url_endpoint=URL_ENDPOINT)


def upload(folder, name, content=BYTES, **more):
    """Bytes go as this SDK sends them: a part without a file name and without a type."""
    options = UploadFileRequestOptions(folder=folder, use_unique_file_name=False, **more)
    return client.upload_file(file=content, file_name=name, options=options)


def on_disk(content):
    """An open file, which goes with its name."""
    file = tempfile.NamedTemporaryFile()
    file.write(content)
    file.flush()
    opened.append(file)
    return open(file.name, "rb")


def listed(path, **more):
    return client.list_files(ListAndSearchFileRequestOptions(path=path, **more)).list


def names(path, **more):
    return sorted(asset.name for asset in listed(path, **more))


def job(submitted, kind):
    same(submitted.response_metadata.http_status_code, 200)
    last = completed(lambda: client.get_bulk_job_status(submitted.job_id))
    same((last.job_id, last.type), (submitted.job_id, kind), "the job")


def refused(kind, message, work):
    error = failure(kind, work)
    same(error.message, message)
    raw = error.response_metadata.raw
    assert raw["help"] and error.response_metadata.headers["x-ik-requestId"], f"no help or request id in {raw}"
    return raw


@check("upload, binary")
def _():
    answer = client.upload_file(file=on_disk(PICTURE), file_name="a.png")
    assert answer.name.startswith("a_") and answer.name.endswith(".png"), answer.name
    same((answer.width, answer.height, answer.size, answer.file_type), (1, 1, len(PICTURE), "image"))
    same_bytes(upload("/bytes", "b.bin").url, BYTES)


@check("upload, base64")
def _():
    text = base64.b64encode(PICTURE)
    same(upload("/base64", "c.png", text).size, len(PICTURE))
    same(upload("/base64", "d.png", text.decode()).size, len(PICTURE))
    same(upload("/base64", "e.png", f"data:image/png;base64,{text.decode()}").size, len(PICTURE))


@check("upload, URL")
def _():
    answer = upload("/source", "f.bin", upload("/source", "e.bin").url)
    same((answer.file_path, answer.size), ("/source/f.bin", len(BYTES)))
    same_bytes(answer.url, BYTES)


@check("upload, options")
def _():
    fields = ["tags", "custom_coordinates", "is_private_file", "is_published"]
    answer = upload("/options/deep", "g h.png", on_disk(PICTURE), tags=["red", "big"],
                    is_private_file=True, is_published=True, custom_coordinates="0,0,1,1", overwrite_file=True,
                    overwrite_ai_tags=False, overwrite_tags=False, overwrite_custom_metadata=False,
                    response_fields=fields)
    same((answer.name, answer.tags, answer.custom_coordinates), ("g_h.png", ["red", "big"], "0,0,1,1"))
    same((answer.is_private_file, answer.response_metadata.raw["isPublished"]), (True, True))


@check("upload, new version")
def _():
    first, second = upload("/again", "h.bin"), upload("/again", "h.bin", PICTURE)
    same((second.file_id, second.version_info.name), (first.file_id, "Version 2"))
    failure(BadRequestException, lambda: upload("/again", "h.bin", overwrite_file=False))


@check("upload, client-side signature")
def _():
    fields = {"fileName": "i.bin", "publicKey": PUBLIC_KEY, **client.get_authentication_parameters()}
    same(posted("/api/v1/files/upload", fields, "i.bin", BYTES), 200, "the first use of the token")
    same(posted("/api/v1/files/upload", fields, "i.bin", BYTES), 400, "the second use of the token")


@check("list files")
def _():
    for name in ["a.bin", "b.bin", "c.bin"]:
        upload("/list", name)
    client.create_folder(CreateFolderRequestOptions(folder_name="inner", parent_folder_path="/list"))
    same(names("/list"), ["a.bin", "b.bin", "c.bin"])
    same(names("/list", sort="DESC_NAME", skip=1, limit=1), ["b.bin"])
    same(names("/list", type="folder"), ["inner"])


@check("list files, search")
def _():
    upload("/search", "one.bin", tags=["x"])
    upload("/search", "two.bin", tags=["y", "z"])
    same(names("/search", search_query="type = 'file' AND name = 'two.bin'"), ["two.bin"])
    same(names("/search", tags=["none", "z"]), ["two.bin"])


@check("file details")
def _():
    file_id = upload("/details", "a.png", PICTURE).file_id
    file = client.get_file_details(file_id)
    same((file.file_id, file.type, file.file_path, file.mime), (file_id, "file", "/details/a.png", "image/png"))
    same(file.response_metadata.http_status_code, 200)


def told(metadata):
    return metadata.width, metadata.height, metadata.size, metadata.format, metadata.response_metadata.http_status_code


@check("file metadata")
def _():
    file_id = upload("/metadata", "a.png", PICTURE).file_id
    same(told(client.get_file_metadata(file_id)), (1, 1, len(PICTURE), "png", 200))


@check("metadata of a URL")
def _():
    url = upload("/metadata/of a", "b c.png", PICTURE).url
    same(told(client.get_remote_file_url_metadata(url)), (1, 1, len(PICTURE), "png", 200))


@check("update details")
def _():
    file_id = upload("/update", "a.png", PICTURE).file_id
    file = client.update_file_details(file_id, UpdateFileRequestOptions(tags=["x", "y"], custom_coordinates="0,0,1,1"))
    same((file.tags, file.custom_coordinates), (["x", "y"], "0,0,1,1"))
    hidden = client.update_file_details(file_id, UpdateFileRequestOptions(publish={"isPublished": False}))
    same(hidden.response_metadata.raw["isPublished"], False)


@check("add, remove tags")
def _():
    ids = [upload("/tags", "a.bin").file_id, upload("/tags", "b.bin").file_id]
    same(sorted(client.add_tags(file_ids=ids, tags=["s", "t"]).successfully_updated_file_ids), sorted(ids))
    client.remove_tags(file_ids=ids, tags=["s"])
    same(client.get_file_details(ids[1]).tags, ["t"])
    same(len(client.remove_ai_tags(file_ids=ids, ai_tags=["none"]).successfully_updated_file_ids), 2)


@check("copy file")
def _():
    original = upload("/file", "copied.bin")
    options = CopyFileRequestOptions(source_file_path="/file/copied.bin", destination_path="/file-copy",
                                     include_file_versions=True)
    same(client.copy_file(options).response_metadata.http_status_code, 204)
    [copy] = listed("/file-copy")
    assert copy.name == "copied.bin" and copy.file_id != original.file_id, "the copy has an id of its own"


@check("move file")
def _():
    file_id = upload("/file", "moved.bin").file_id
    options = MoveFileRequestOptions(source_file_path="/file/moved.bin", destination_path="/file-move")
    same(client.move_file(options).response_metadata.http_status_code, 204)
    same(client.get_file_details(file_id).file_path, "/file-move/moved.bin")


@check("rename file")
def _():
    file_id = upload("/file", "old.bin").file_id
    client.rename_file(RenameFileRequestOptions(file_path="/file/old.bin", new_file_name="new.bin"))
    same(client.get_file_details(file_id).file_path, "/file/new.bin")
    options = RenameFileRequestOptions(file_path="/file/new.bin", new_file_name="newer.bin", purge_cache=True)
    purge = client.rename_file(options).purge_request_id
    assert client.get_purge_cache_status(purge).status in ("Pending", "Completed")


@check("list versions")
def _():
    file_id = upload("/versions", "l.bin").file_id
    upload("/versions", "l.bin", PICTURE)
    same(sorted(version.type for version in client.get_file_versions(file_id).list), ["file", "file-version"])
    one = client.get_file_version_details(file_id, file_id)
    same((one.version_info.id, one.version_info.name), (file_id, "Version 1"))


@check("restore, delete version")
def _():
    file_id = upload("/versions", "r.bin").file_id
    second = upload("/versions", "r.bin", PICTURE)
    same(client.restore_file_version(file_id, file_id).type, "file")
    client.delete_file_version(file_id, second.version_info.id)
    same(len(client.get_file_versions(file_id).list), 1)


@check("delete file")
def _():
    answer = client.delete_file(upload("/delete", "one.bin").file_id)
    same((answer.response_metadata.http_status_code, names("/delete")), (204, []))


@check("delete files in bulk")
def _():
    ids = [upload("/delete", "a.bin").file_id, upload("/delete", "b.bin").file_id]
    delete = lambda: client.bulk_file_delete(file_ids=[*ids, UNKNOWN_ID])
    same(refused(NotFoundException, "The requested file(s) does not exist.", delete)["missingFileIds"], [UNKNOWN_ID])
    same(sorted(client.bulk_file_delete(file_ids=ids).successfully_deleted_file_ids), sorted(ids))


@check("create, delete folder")
def _():
    made = client.create_folder(CreateFolderRequestOptions(folder_name="made", parent_folder_path="/folders"))
    same((made.response_metadata.http_status_code, names("/folders", type="folder")), (201, ["made"]))
    gone = client.delete_folder(DeleteFolderRequestOptions(folder_path="/folders/made"))
    same((gone.response_metadata.http_status_code, names("/folders", type="folder")), (204, []))


@check("copy folder")
def _():
    upload("/tree/inner", "a.bin")
    upload("/tree/inner", "a.bin", PICTURE)
    copy = lambda **more: client.copy_folder(CopyFolderRequestOptions(source_folder_path="/tree", **more))
    job(copy(destination_path="/copies"), "COPY_FOLDER")
    job(copy(destination_path="/histories", include_file_versions=True), "COPY_FOLDER")
    for copies, count in [("/copies", 1), ("/histories", 2)]:
        [file] = listed(f"{copies}/tree/inner")
        same(len(client.get_file_versions(file.file_id).list), count, f"versions below {copies}")


@check("move folder")
def _():
    upload("/moving/inner", "a.bin")
    options = MoveFolderRequestOptions(source_folder_path="/moving", destination_path="/moved")
    job(client.move_folder(options), "MOVE_FOLDER")
    same((names("/moved/moving/inner"), names("/moving/inner")), (["a.bin"], []))


@check("job status")
def _():
    upload("/status", "a.bin")
    submitted = client.copy_folder(CopyFolderRequestOptions("/status", "/status-copy", False))
    job(submitted, "COPY_FOLDER")
    raw = client.get_bulk_job_status(submitted.job_id).response_metadata.raw
    same(raw, {"jobId": submitted.job_id, "type": "COPY_FOLDER", "status": "Completed"})


@check("purge cache")
def _():
    request = client.purge_file_cache(upload("/purge", "a.bin").url).request_id
    assert client.get_purge_file_cache_status(request).status in ("Pending", "Completed")


@check("custom metadata fields")
def _():
    schema = CustomMetadataFieldsSchema(type=CustomMetaDataTypeEnum.Number, min_value=1, max_value=9)
    options = CreateCustomMetadataFieldsRequestOptions(name="size_class", label="Size class", schema=schema)
    field = client.create_custom_metadata_fields(options)
    same((field.name, field.schema.max_value), ("size_class", 9))
    same([one.id for one in client.get_custom_metadata_fields(False).list], [field.id])
    file_id = upload("/fields", "a.bin", custom_metadata={"size_class": 3}).file_id
    same(client.get_file_details(file_id).custom_metadata, {"size_class": 3})
    wrong = UpdateFileRequestOptions(custom_metadata={"size_class": 10})
    update = lambda: client.update_file_details(file_id, wrong)
    assert "size_class" in refused(BadRequestException, "Invalid custom metadata.", update)["errors"]
    label = UpdateCustomMetadataFieldsRequestOptions(label="Class")
    same(client.update_custom_metadata_fields(field.id, label).label, "Class")
    same(client.delete_custom_metadata_field(field.id).response_metadata.http_status_code, 204)
    same(len(client.get_custom_metadata_fields(True).list), 1)


@check("signed URL")
def _():
    private = upload("/private", "s.bin", is_private_file=True)
    same(fetched(private.url)[0], 401, "unsigned")
    for options in [{"path": private.file_path}, {"src": private.url}, {"path": private.file_path, "expire_seconds": 300},
                    {"path": private.file_path, "transformation": [{"original": True}]},
                    {"src": private.url, "transformation": [{"original": True}], "query_parameters": {"v": "1,2:3"}}]:
        same_bytes(client.url({**options, "signed": True}), BYTES)
    same(fetched(forged(client.url({"path": private.file_path, "signed": True})))[0], 401, "forged")


@check("signed URL, odd names")
def _():
    private = upload("/private-ü", "日本語.bin", is_private_file=True)
    for options in [{"path": private.file_path}, {"path": private.file_path, "expire_seconds": 300}, {"src": private.url}]:
        # This SDK signs the encoded path and leaves the encoding itself to whoever asks for the URL.
        same_bytes(quote(client.url({**options, "signed": True}), safe=":/?&=%"), BYTES)


@check("errors, unknown file")
def _():
    refused(NotFoundException, "The requested file does not exist.", lambda: client.get_file_versions(UNKNOWN_ID))


@check("errors, unknown job")
def _():
    # This SDK has a class for the 404 of some calls only.
    refused(UnknownException, "The requested job does not exist.", lambda: client.get_bulk_job_status(UNKNOWN_ID))


@check("errors, invalid request")
def _():
    move = lambda: client.move_folder(MoveFolderRequestOptions(source_folder_path="/", destination_path="/x"))
    same(refused(BadRequestException, "sourceFolderPath cannot be root", move)["reason"], "SOURCE_IS_ROOT")


@check("errors, wrong key")
def _():
    stranger = ImageKit(private_key="private_nobody", public_key=PUBLIC_KEY, url_endpoint=URL_ENDPOINT)
    refused(ForbiddenException, "Your account cannot be authenticated.", stranger.list_files)


@check("errors, conflict")
def _():
    upload("/conflict", "a.bin")
    upload("/conflict", "b.bin")
    rename = RenameFileRequestOptions(file_path="/conflict/a.bin", new_file_name="b.bin")
    refused(ConflictException, "File with name b.bin already exists at the same location.",
            lambda: client.rename_file(rename))
