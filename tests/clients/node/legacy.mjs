// The legacy Node SDK. It knows the vendor's host names only, so it finds our server under them: by a hosts file of
// its own and a certificate of a private authority (NODE_EXTRA_CA_CERTS).

import { Readable } from "node:stream";
import ImageKit from "imagekit";
import { BYTES, PICTURE, UNKNOWN_ID, check, completed, failure, fetched, holds, same, sameBytes, settings } from "./checks.mjs";

const { privateKey, publicKey, urlEndpoint } = settings;
const client = new ImageKit({ privateKey, publicKey, urlEndpoint });

const upload = (folder, fileName, file = BYTES, more = {}) =>
  client.upload({ file, fileName, folder, useUniqueFileName: false, ...more });
const list = (path, more = {}) => client.listFiles({ path, ...more });
const names = async (path, more = {}) => (await list(path, more)).map((asset) => asset.name).sort();
const job = async (submitted, type) => {
  const { jobId } = await submitted;
  const last = await completed(() => client.getBulkJobStatus(jobId));
  same([last.jobId, last.type], [jobId, type], "the job");
};
const status = (answer) => answer.$ResponseMetadata.statusCode;
const refused = async (work, expected, message) => {
  const error = await failure(work);
  same([error.message, status(error)], [message, expected]);
  holds(error.help && error.$ResponseMetadata.headers["x-ik-requestid"], `no help or request id in ${JSON.stringify(error)}`);
  return error;
};

await check("upload, binary", async () => {
  const answer = await client.upload({ file: PICTURE, fileName: "a.png" });
  holds(/^a_[A-Za-z0-9_-]{9,10}\.png$/.test(answer.name), `the unique name ${answer.name}`);
  same([status(answer), answer.width, answer.height, answer.size, answer.fileType], [200, 1, 1, PICTURE.length, "image"]);
  await sameBytes((await upload("/bytes", "b.bin")).url, BYTES);
});

await check("upload, base64", async () => {
  const file = PICTURE.toString("base64");
  const answer = await upload("/base64", "c.png", file);
  same([answer.name, answer.size], ["c.png", PICTURE.length]);
  same((await upload("/base64", "d.png", `data:image/png;base64,${file}`)).size, PICTURE.length);
});

await check("upload, URL", async () => {
  const { url } = await upload("/source", "e.bin");
  const answer = await upload("/source", "f.bin", url.replace(urlEndpoint, settings.sourceEndpoint));
  same([answer.filePath, answer.size], ["/source/f.bin", BYTES.length]);
  await sameBytes(answer.url, BYTES);
});

await check("upload, options", async () => {
  const answer = await upload("/options/deep", "g h.png", PICTURE, {
    tags: ["red", "big"],
    isPrivateFile: true,
    isPublished: true,
    customCoordinates: "0,0,1,1",
    overwriteFile: true,
    overwriteAITags: false,
    overwriteTags: false,
    overwriteCustomMetadata: false,
    webhookUrl: undefined,
    responseFields: ["tags", "customCoordinates", "isPrivateFile", "isPublished"],
  });
  same([answer.name, answer.tags, answer.customCoordinates], ["g_h.png", ["red", "big"], "0,0,1,1"]);
  same([answer.isPrivateFile, answer.isPublished], [true, true]);
});

await check("upload, new version", async () => {
  const [first, second] = [await upload("/again", "h.bin"), await upload("/again", "h.bin", PICTURE)];
  same([second.fileId, second.versionInfo.name], [first.fileId, "Version 2"]);
  const kept = () => upload("/again", "h.bin", BYTES, { overwriteFile: false });
  same(status(await failure(kept)), 400);
});

await check("upload, client-side signature", async () => {
  const form = new FormData();
  form.set("file", new Blob([BYTES]), "i.bin");
  form.set("fileName", "i.bin");
  form.set("publicKey", publicKey);
  for (const [name, value] of Object.entries(client.getAuthenticationParameters())) form.set(name, String(value));
  const send = () => fetch(`${settings.base}/api/v1/files/upload`, { method: "POST", body: form });
  same((await send()).status, 200, "the first use of the token");
  same((await send()).status, 400, "the second use of the token");
});

await check("list files", async () => {
  for (const name of ["a.bin", "b.bin", "c.bin"]) await upload("/list", name);
  await client.createFolder({ folderName: "inner", parentFolderPath: "/list" });
  same(await names("/list"), ["a.bin", "b.bin", "c.bin"]);
  const page = await list("/list", { sort: "DESC_NAME", skip: 1, limit: 1 });
  same(page.map((file) => file.name), ["b.bin"]);
  same(await names("/list", { type: "folder" }), ["inner"]);
});

await check("list files, search", async () => {
  await upload("/search", "one.bin", BYTES, { tags: "x" });
  await upload("/search", "two.bin", BYTES, { tags: "y,z" });
  same(await names("/search", { searchQuery: 'type = "file" AND name = "two.bin"' }), ["two.bin"]);
  same(await names("/search", { tags: ["z", "none"] }), ["two.bin"]);
  same(await names("/search", { name: "one.bin" }), ["one.bin"]);
});

await check("file details", async () => {
  const { fileId } = await upload("/details", "a.png", PICTURE);
  const file = await client.getFileDetails(fileId);
  same([file.fileId, file.type, file.filePath, file.mime], [fileId, "file", "/details/a.png", "image/png"]);
});

const told = (metadata) => [metadata.width, metadata.height, metadata.size, metadata.format, metadata.exif.gps];
const expected = [1, 1, PICTURE.length, "png", {}];

await check("file metadata", async () => {
  const { fileId } = await upload("/metadata", "a.png", PICTURE);
  same(told(await client.getFileMetadata(fileId)), expected);
});

await check("metadata of a URL", async () => {
  const { url } = await upload("/metadata/of a", "b c.png", PICTURE);
  same(told(await client.getFileMetadata(url)), expected);
  same(told(await client.getFileMetadata(`${url}?tr=orig-true&v=1`)), expected);
  await refused(() => client.getFileMetadata(`${url}x`), 404, "The requested file does not exist or is inaccessible at this time.");
});

await check("update details", async () => {
  const { fileId } = await upload("/update", "a.png", PICTURE);
  const file = await client.updateFileDetails(fileId, { tags: ["x", "y"], customCoordinates: "0,0,1,1" });
  same([file.tags, file.customCoordinates], [["x", "y"], "0,0,1,1"]);
  const bare = await client.updateFileDetails(fileId, { tags: null, customCoordinates: null });
  same([bare.tags, bare.customCoordinates], [null, null]);
  same((await client.updateFileDetails(fileId, { publish: { isPublished: false, includeFileVersions: true } })).isPublished, false);
});

await check("add, remove tags", async () => {
  const fileIds = [(await upload("/tags", "a.bin")).fileId, (await upload("/tags", "b.bin")).fileId];
  const added = await client.bulkAddTags(fileIds, ["s", "t"]);
  same([...added.successfullyUpdatedFileIds].sort(), [...fileIds].sort());
  await client.bulkRemoveTags(fileIds, ["s"]);
  same((await client.getFileDetails(fileIds[1])).tags, ["t"]);
  same((await client.bulkRemoveAITags(fileIds, ["none"])).successfullyUpdatedFileIds.length, 2);
});

await check("copy file", async () => {
  const { fileId } = await upload("/file", "copied.bin");
  const answer = await client.copyFile({ sourceFilePath: "/file/copied.bin", destinationPath: "/file-copy", includeFileVersions: true });
  const [copy] = await list("/file-copy");
  same([status(answer), copy.name, copy.fileId !== fileId], [204, "copied.bin", true]);
});

await check("move file", async () => {
  const { fileId } = await upload("/file", "moved.bin");
  const answer = await client.moveFile({ sourceFilePath: "/file/moved.bin", destinationPath: "/file-move" });
  same([status(answer), (await client.getFileDetails(fileId)).filePath], [204, "/file-move/moved.bin"]);
});

await check("rename file", async () => {
  const { fileId } = await upload("/file", "old.bin");
  same(await client.renameFile({ filePath: "/file/old.bin", newFileName: "new.bin" }), {});
  same((await client.getFileDetails(fileId)).filePath, "/file/new.bin");
  const answer = await client.renameFile({ filePath: "/file/new.bin", newFileName: "newer.bin", purgeCache: true });
  same(typeof (await client.getPurgeCacheStatus(answer.purgeRequestId)).status, "string");
});

await check("list versions", async () => {
  const { fileId } = await upload("/versions", "l.bin");
  await upload("/versions", "l.bin", PICTURE);
  same((await client.getFileVersions(fileId)).map((version) => version.type).sort(), ["file", "file-version"]);
  const one = await client.getFileVersionDetails({ fileId, versionId: fileId });
  same([one.versionInfo.id, one.versionInfo.name], [fileId, "Version 1"]);
});

await check("restore, delete version", async () => {
  const { fileId } = await upload("/versions", "r.bin");
  const second = await upload("/versions", "r.bin", PICTURE);
  same((await client.restoreFileVersion({ fileId, versionId: fileId })).type, "file");
  await client.deleteFileVersion({ fileId, versionId: second.versionInfo.id });
  same((await client.getFileVersions(fileId)).length, 1);
});

await check("delete file", async () => {
  const { fileId } = await upload("/delete", "one.bin");
  same(status(await client.deleteFile(fileId)), 204);
  same(await names("/delete"), []);
});

await check("delete files in bulk", async () => {
  const fileIds = [(await upload("/delete", "a.bin")).fileId, (await upload("/delete", "b.bin")).fileId];
  const error = await refused(() => client.bulkDeleteFiles([...fileIds, UNKNOWN_ID]), 404, "The requested file(s) does not exist.");
  same(error.missingFileIds, [UNKNOWN_ID]);
  const answer = await client.bulkDeleteFiles(fileIds);
  same([...answer.successfullyDeletedFileIds].sort(), [...fileIds].sort());
});

await check("create, delete folder", async () => {
  same(status(await client.createFolder({ folderName: "made", parentFolderPath: "/folders" })), 201);
  same(await names("/folders", { type: "folder" }), ["made"]);
  same(status(await client.deleteFolder("/folders/made/")), 204);
  same(await names("/folders", { type: "folder" }), []);
});

await check("copy folder", async () => {
  await upload("/tree/inner", "a.bin");
  await upload("/tree/inner", "a.bin", PICTURE);
  await job(client.copyFolder({ sourceFolderPath: "/tree", destinationPath: "/copies" }), "COPY_FOLDER");
  const [plain] = await list("/copies/tree/inner");
  same((await client.getFileVersions(plain.fileId)).length, 1);
  const all = { sourceFolderPath: "/tree", destinationPath: "/histories", includeFileVersions: true };
  await job(client.copyFolder(all), "COPY_FOLDER");
  const [whole] = await list("/histories/tree/inner");
  same((await client.getFileVersions(whole.fileId)).length, 2);
});

await check("move folder", async () => {
  await upload("/moving/inner", "a.bin");
  await job(client.moveFolder({ sourceFolderPath: "/moving", destinationPath: "/moved" }), "MOVE_FOLDER");
  same([await names("/moved/moving/inner"), await names("/moving/inner")], [["a.bin"], []]);
});

await check("job status", async () => {
  await upload("/status", "a.bin");
  const { jobId } = await client.copyFolder({ sourceFolderPath: "/status", destinationPath: "/status-copy" });
  // By callback too, as the documentation shows it.
  const called = await new Promise((done, failed) => client.getBulkJobStatus(jobId, (error, job) => (error ? failed(error) : done(job))));
  same([called.jobId, called.type], [jobId, "COPY_FOLDER"]);
  await completed(() => client.getBulkJobStatus(jobId));
});

await check("purge cache", async () => {
  const { url } = await upload("/purge", "a.bin");
  const { requestId } = await client.purgeCache(url);
  holds(["Pending", "Completed"].includes((await client.getPurgeCacheStatus(requestId)).status), "a purge's status");
});

await check("custom metadata fields", async () => {
  const schema = { type: "SingleSelect", selectOptions: ["a", 1, true], isValueRequired: true, defaultValue: "a" };
  const field = await client.createCustomMetadataField({ name: "kind", label: "Kind", schema });
  same([status(field), field.schema.selectOptions], [201, ["a", 1, true]]);
  same((await client.getCustomMetadataFields({ includeDeleted: false })).map((one) => one.id), [field.id]);
  const { fileId } = await upload("/fields", "a.bin", BYTES, { customMetadata: { kind: 1 } });
  same((await client.getFileDetails(fileId)).customMetadata, { kind: 1 });
  const invalid = () => client.updateFileDetails(fileId, { customMetadata: { kind: "1" } });
  holds("kind" in (await refused(invalid, 400, "Invalid custom metadata.")).errors, "which field is wrong");
  same((await client.updateCustomMetadataField(field.id, { label: "Sort" })).label, "Sort");
  same(status(await client.deleteCustomMetadataField(field.id)), 204);
  same((await client.getCustomMetadataFields({ includeDeleted: true })).length, 1);
});

await check("signed URL", async () => {
  const { filePath, url } = await upload("/private", "s.bin", BYTES, { isPrivateFile: true });
  same((await fetched(url)).status, 401, "unsigned");
  await sameBytes(client.url({ path: filePath, signed: true }), BYTES);
  await sameBytes(client.url({ path: filePath, signed: true, expireSeconds: 300 }), BYTES);
  await sameBytes(client.url({ src: url, signed: true }), BYTES);
  const original = [{ original: true }];
  await sameBytes(client.url({ path: filePath, signed: true, transformation: original }), BYTES);
  await sameBytes(client.url({ src: url, signed: true, transformation: original, queryParameters: { v: "1,2:3" } }), BYTES);
  const forged = client.url({ path: filePath, signed: true }).replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  same((await fetched(forged)).status, 401, "forged");
});

await check("signed URL, odd names", async () => {
  const { filePath } = await upload("/private-ü", "日本語.bin", BYTES, { isPrivateFile: true });
  await sameBytes(client.url({ path: filePath, signed: true }), BYTES);
  await sameBytes(client.url({ path: encodeURI(filePath), signed: true, expireSeconds: 300 }), BYTES);
});

await check("upload, stream", async () => {
  const answer = await upload("/stream", "s.bin", Readable.from([BYTES.subarray(0, 1000), BYTES.subarray(1000)]));
  await sameBytes(answer.url, BYTES);
});

await check("errors, unknown file", () =>
  refused(() => client.getFileDetails(UNKNOWN_ID), 404, "The requested file does not exist."));

await check("errors, unknown job", () =>
  refused(() => client.getBulkJobStatus(UNKNOWN_ID), 404, "The requested job does not exist."));

await check("errors, invalid request", async () => {
  const root = () => client.moveFolder({ sourceFolderPath: "/", destinationPath: "/x" });
  same((await refused(root, 400, "sourceFolderPath cannot be root")).reason, "SOURCE_IS_ROOT");
});

await check("errors, wrong key", () => {
  const stranger = new ImageKit({ publicKey, urlEndpoint, privateKey: "private_nobody" });
  return refused(() => stranger.listFiles({}), 403, "Your account cannot be authenticated.");
});

await check("errors, conflict", async () => {
  await upload("/conflict", "a.bin");
  await upload("/conflict", "b.bin");
  const rename = () => client.renameFile({ filePath: "/conflict/a.bin", newFileName: "b.bin" });
  const error = await refused(rename, 409, "File with name b.bin already exists at the same location.");
  same(error.reason, "FILE_ALREADY_EXISTS");
});

// Sockets that a client keeps open for its next request would keep this process up to a minute.
process.exit(0);
