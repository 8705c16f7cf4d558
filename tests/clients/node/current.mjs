// The current Node SDK against a server of ours, told where to go by its base URL and nothing else.

import ImageKit, { toFile } from "@imagekit/nodejs";
import { BYTES, PICTURE, UNKNOWN_ID, check, completed, failure, fetched, holds, same, sameBytes, settings } from "./checks.mjs";

const { privateKey, publicKey, urlEndpoint } = settings;
let requests = 0;
const counted = (url, init) => {
  requests += 1;
  return fetch(url, init);
};
const client = new ImageKit({ privateKey, baseURL: settings.base, fetch: counted });

const upload = async (folder, fileName, file = BYTES, more = {}) =>
  client.files.upload({ file: await toFile(file, fileName), fileName, folder, useUniqueFileName: false, ...more });
const list = (path, more = {}) => client.assets.list({ path, ...more });
const names = async (path, more = {}) => (await list(path, more)).map((asset) => asset.name).sort();
const done = (jobId) => completed(() => client.folders.job.get(jobId));
const job = async (submitted, type) => {
  const { jobId } = await submitted;
  const last = await done(jobId);
  same([last.jobId, last.type], [jobId, type], "the job");
  return last;
};

await check("upload, binary", async () => {
  const answer = await client.files.upload({ file: await toFile(PICTURE, "a.png"), fileName: "a.png" });
  holds(/^a_[A-Za-z0-9_-]{9,10}\.png$/.test(answer.name), `the unique name ${answer.name}`);
  same([answer.width, answer.height, answer.size, answer.fileType], [1, 1, PICTURE.length, "image"]);
  await sameBytes((await upload("/bytes", "b.bin")).url, BYTES);
});

await check("upload, base64", async () => {
  const file = PICTURE.toString("base64");
  const answer = await client.files.upload({ file, fileName: "c.png", useUniqueFileName: false });
  same([answer.name, answer.size], ["c.png", PICTURE.length]);
  await sameBytes(`${answer.url}?tr=orig-true`, PICTURE);
  const uri = await client.files.upload({ file: `data:image/png;base64,${file}`, fileName: "d.png" });
  same(uri.size, PICTURE.length);
});

await check("upload, URL", async () => {
  const { url } = await upload("/source", "e.bin");
  const answer = await client.files.upload({ file: url, fileName: "f.bin", folder: "/source", useUniqueFileName: false });
  same([answer.filePath, answer.size], ["/source/f.bin", BYTES.length]);
  await sameBytes(answer.url, BYTES);
});

await check("upload, options", async () => {
  const answer = await upload("/options/deep", "g.png", PICTURE, {
    tags: ["red", "big"],
    isPrivateFile: true,
    isPublished: true,
    customCoordinates: "0,0,1,1",
    description: "a dot",
    overwriteTags: false,
    responseFields: ["tags", "customCoordinates", "isPrivateFile", "isPublished", "customMetadata"],
  });
  same([answer.tags, answer.customCoordinates], [["red", "big"], "0,0,1,1"]);
  same([answer.isPrivateFile, answer.isPublished, answer.description], [true, true, "a dot"]);
});

await check("upload, new version", async () => {
  const [first, second] = [await upload("/again", "h.bin"), await upload("/again", "h.bin", PICTURE)];
  same(second.fileId, first.fileId);
  same([first.versionInfo.name, second.versionInfo.name], ["Version 1", "Version 2"]);
});

await check("upload, client-side signature", async () => {
  const form = new FormData();
  form.set("file", new Blob([BYTES]), "i.bin");
  form.set("fileName", "i.bin");
  form.set("publicKey", publicKey);
  for (const [name, value] of Object.entries(client.helper.getAuthenticationParameters())) form.set(name, String(value));
  const send = () => fetch(`${settings.base}/api/v1/files/upload`, { method: "POST", body: form });
  same((await send()).status, 200, "the first use of the token");
  same((await send()).status, 400, "the second use of the token");
});

await check("upload, v2", async () => {
  const fileName = "two words, 'q' & ü.bin";
  const file = await toFile(BYTES, fileName);
  const answer = await client.beta.v2.files.upload({ file, fileName, folder: "/v 2", useUniqueFileName: false });
  same(answer.filePath, `/v 2/${fileName}`);
  await sameBytes(answer.url, BYTES);
});

await check("list files", async () => {
  for (const name of ["a.bin", "b.bin", "c.bin"]) await upload("/list", name);
  await client.folders.create({ folderName: "inner", parentFolderPath: "/list" });
  same(await names("/list"), ["a.bin", "b.bin", "c.bin"]);
  const page = await list("/list", { sort: "DESC_NAME", skip: 1, limit: 1 });
  same(page.map((file) => file.name), ["b.bin"]);
  same(await names("/list", { type: "folder" }), ["inner"]);
  same(await names("/list", { type: "all" }), ["a.bin", "b.bin", "c.bin", "inner"]);
});

await check("list files, search", async () => {
  await upload("/search", "one.bin");
  await upload("/search", "two.bin");
  same(await names("/search", { searchQuery: 'type = "file" AND name = "two.bin"' }), ["two.bin"]);
});

await check("file details", async () => {
  const { fileId } = await upload("/details", "a.png", PICTURE);
  const file = await client.files.get(fileId);
  same([file.fileId, file.type, file.filePath, file.mime], [fileId, "file", "/details/a.png", "image/png"]);
  same([file.isPrivateFile, file.tags, file.customMetadata], [false, null, {}]);
});

const told = (metadata) => [metadata.width, metadata.height, metadata.size, metadata.format, metadata.exif.gps];
const expected = [1, 1, PICTURE.length, "png", {}];

await check("file metadata", async () => {
  const { fileId } = await upload("/metadata", "a.png", PICTURE);
  same(told(await client.files.metadata.get(fileId)), expected);
});

await check("metadata of a URL", async () => {
  const { url } = await upload("/metadata/of a", "b c.png", PICTURE);
  same(told(await client.files.metadata.getFromURL({ url })), expected);
  const elsewhere = await failure(() => client.files.metadata.getFromURL({ url: "https://example.com/a.png" }));
  same(elsewhere.status, 400);
});

await check("update details", async () => {
  const { fileId } = await upload("/update", "a.png", PICTURE);
  const file = await client.files.update(fileId, { tags: ["x", "y"], customCoordinates: "0,0,1,1", description: "d" });
  same([file.tags, file.customCoordinates, file.description], [["x", "y"], "0,0,1,1", "d"]);
  const bare = await client.files.update(fileId, { tags: null, customCoordinates: null });
  same([bare.tags, bare.customCoordinates], [null, null]);
  same((await client.files.update(fileId, { publish: { isPublished: false } })).isPublished, false);
});

await check("add, remove tags", async () => {
  const fileIds = [(await upload("/tags", "a.bin")).fileId, (await upload("/tags", "b.bin")).fileId];
  const added = await client.files.bulk.addTags({ fileIds, tags: ["s", "t"] });
  same([...added.successfullyUpdatedFileIds].sort(), [...fileIds].sort());
  await client.files.bulk.removeTags({ fileIds, tags: ["s"] });
  same((await client.files.get(fileIds[1])).tags, ["t"]);
  same((await client.files.bulk.removeAITags({ fileIds, AITags: ["none"] })).successfullyUpdatedFileIds.length, 2);
});

await check("copy file", async () => {
  const { fileId } = await upload("/file", "copied.bin");
  await client.files.copy({ sourceFilePath: "/file/copied.bin", destinationPath: "/file-copy", includeFileVersions: true });
  const [copy] = await list("/file-copy");
  holds(copy.name === "copied.bin" && copy.fileId !== fileId, "the copy has an id of its own");
  await sameBytes(copy.url, BYTES);
});

await check("move file", async () => {
  const { fileId } = await upload("/file", "moved.bin");
  await client.files.move({ sourceFilePath: "/file/moved.bin", destinationPath: "/file-move" });
  same((await client.files.get(fileId)).filePath, "/file-move/moved.bin");
});

await check("rename file", async () => {
  const { fileId } = await upload("/file", "old.bin");
  await client.files.rename({ filePath: "/file/old.bin", newFileName: "new.bin" });
  same((await client.files.get(fileId)).filePath, "/file/new.bin");
  const { purgeRequestId } = await client.files.rename({ filePath: "/file/new.bin", newFileName: "newer.bin", purgeCache: true });
  same(["Pending", "Completed"].includes((await client.cache.invalidation.get(purgeRequestId)).status), true);
});

await check("list versions", async () => {
  const { fileId } = await upload("/versions", "l.bin");
  await upload("/versions", "l.bin", PICTURE);
  const versions = await client.files.versions.list(fileId);
  same(versions.map((version) => version.type).sort(), ["file", "file-version"]);
  const one = await client.files.versions.get(fileId, { fileId });
  same([one.versionInfo.id, one.versionInfo.name], [fileId, "Version 1"]);
  await sameBytes(one.url, BYTES);
});

await check("restore, delete version", async () => {
  const { fileId } = await upload("/versions", "r.bin");
  const second = await upload("/versions", "r.bin", PICTURE);
  same((await client.files.versions.restore(fileId, { fileId })).type, "file");
  await sameBytes((await client.files.get(fileId)).url, BYTES);
  await client.files.versions.delete(second.versionInfo.id, { fileId });
  same((await client.files.versions.list(fileId)).length, 1);
});

await check("delete file", async () => {
  const { fileId } = await upload("/delete", "one.bin");
  await client.files.delete(fileId);
  same(await names("/delete"), []);
});

await check("delete files in bulk", async () => {
  const fileIds = [(await upload("/delete", "a.bin")).fileId, (await upload("/delete", "b.bin")).fileId];
  const missing = await failure(() => client.files.bulk.delete({ fileIds: [...fileIds, UNKNOWN_ID] }));
  holds(missing instanceof ImageKit.NotFoundError, `thrown: ${missing}`);
  same(missing.error.missingFileIds, [UNKNOWN_ID]);
  const answer = await client.files.bulk.delete({ fileIds });
  same([...answer.successfullyDeletedFileIds].sort(), [...fileIds].sort());
});

await check("create, delete folder", async () => {
  await client.folders.create({ folderName: "made", parentFolderPath: "/folders" });
  await client.folders.create({ folderName: "made", parentFolderPath: "/folders/" });
  same(await names("/folders", { type: "folder" }), ["made"]);
  await client.folders.delete({ folderPath: "/folders/made" });
  same(await names("/folders", { type: "folder" }), []);
});

await check("copy folder", async () => {
  await upload("/tree/inner", "a.bin");
  await upload("/tree/inner", "a.bin", PICTURE);
  await job(client.folders.copy({ sourceFolderPath: "/tree", destinationPath: "/copies" }), "COPY_FOLDER");
  const [plain] = await list("/copies/tree/inner");
  same((await client.files.versions.list(plain.fileId)).length, 1);
  const all = { sourceFolderPath: "/tree", destinationPath: "/histories", includeVersions: true };
  await job(client.folders.copy(all), "COPY_FOLDER");
  const [whole] = await list("/histories/tree/inner");
  same((await client.files.versions.list(whole.fileId)).length, 2);
});

await check("move folder", async () => {
  await upload("/moving/inner", "a.bin");
  await job(client.folders.move({ sourceFolderPath: "/moving", destinationPath: "/moved" }), "MOVE_FOLDER");
  same(await names("/moved/moving/inner"), ["a.bin"]);
  same(await names("/moving/inner"), []);
});

await check("rename folder", async () => {
  await upload("/named/old", "a.bin");
  const plain = await job(client.folders.rename({ folderPath: "/named/old", newFolderName: "new" }), "RENAME_FOLDER");
  same([await names("/named/new"), "purgeRequestId" in plain], [["a.bin"], false]);
  const again = { folderPath: "/named/new", newFolderName: "newer", purgeCache: true };
  const { purgeRequestId } = await job(client.folders.rename(again), "RENAME_FOLDER");
  same(typeof (await client.cache.invalidation.get(purgeRequestId)).status, "string");
});

await check("job status", async () => {
  await upload("/status", "a.bin");
  const { jobId } = await client.folders.copy({ sourceFolderPath: "/status", destinationPath: "/status-copy" });
  const first = await client.folders.job.get(jobId);
  holds(["Pending", "Completed"].includes(first.status), `the status ${first.status}`);
  same(Object.keys(await done(jobId)).sort(), ["jobId", "status", "type"]);
});

await check("purge cache", async () => {
  const { url } = await upload("/purge", "a.bin");
  const { requestId } = await client.cache.invalidation.create({ url });
  holds(["Pending", "Completed"].includes((await client.cache.invalidation.get(requestId)).status), "a purge's status");
});

await check("custom metadata fields", async () => {
  const schema = { type: "Number", minValue: 1, maxValue: 9 };
  const field = await client.customMetadataFields.create({ name: "size_class", label: "Size class", schema });
  same([field.name, field.schema.maxValue], ["size_class", 9]);
  same((await client.customMetadataFields.list()).map((one) => one.id), [field.id]);
  const { fileId } = await upload("/fields", "a.bin", BYTES, { customMetadata: { size_class: 3 } });
  same((await client.files.get(fileId)).customMetadata, { size_class: 3 });
  const invalid = await failure(() => client.files.update(fileId, { customMetadata: { size_class: 10 } }));
  holds(invalid instanceof ImageKit.BadRequestError && "size_class" in invalid.error.errors, `thrown: ${invalid}`);
  same((await client.customMetadataFields.update(field.id, { label: "Class" })).label, "Class");
  await client.customMetadataFields.delete(field.id);
  same([await client.customMetadataFields.list(), (await client.customMetadataFields.list({ includeDeleted: true })).length], [[], 1]);
});

await check("signed URL", async () => {
  const { filePath, url } = await upload("/private", "s.bin", BYTES, { isPrivateFile: true });
  same((await fetched(url)).status, 401, "unsigned");
  await sameBytes(client.helper.buildSrc({ urlEndpoint, src: filePath, signed: true }), BYTES);
  await sameBytes(client.helper.buildSrc({ urlEndpoint, src: filePath, expiresIn: 300 }), BYTES);
  await sameBytes(client.helper.buildSrc({ urlEndpoint, src: url, signed: true }), BYTES);
  const original = { urlEndpoint, src: filePath, signed: true, transformation: [{ original: true }] };
  await sameBytes(client.helper.buildSrc(original), BYTES);
  const query = { urlEndpoint, src: filePath, signed: true, queryParameters: { v: "1", "ik-attachment": true } };
  await sameBytes(client.helper.buildSrc(query), BYTES);
  const forged = client.helper.buildSrc({ urlEndpoint, src: filePath, signed: true }).replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  same((await fetched(forged)).status, 401, "forged");
});

await check("signed URL, odd names", async () => {
  for (const fileName of ["ü b.bin", "日本語.bin", "100%.bin", "a+b&c.bin"]) {
    const file = await toFile(BYTES, "x");
    const answer = await client.beta.v2.files.upload({ file, fileName, folder: "/private ü", useUniqueFileName: false, isPrivateFile: true });
    await sameBytes(client.helper.buildSrc({ urlEndpoint, src: encodeURI(answer.filePath), signed: true }), BYTES);
  }
});

await check("errors, unknown file", async () => {
  const error = await failure(() => client.files.get(UNKNOWN_ID));
  holds(error instanceof ImageKit.NotFoundError, `thrown: ${error}`);
  same([error.status, error.error.message], [404, "The requested file does not exist."]);
  holds(error.headers.get("x-ik-requestid"), "no request id");
});

await check("errors, unknown job", async () => {
  const error = await failure(() => client.folders.job.get(UNKNOWN_ID));
  holds(error instanceof ImageKit.NotFoundError, `thrown: ${error}`);
  same(error.error.message, "The requested job does not exist.");
});

await check("errors, invalid request", async () => {
  const error = await failure(() => client.folders.move({ sourceFolderPath: "/", destinationPath: "/x" }));
  holds(error instanceof ImageKit.BadRequestError, `thrown: ${error}`);
  same([error.error.reason, error.error.message], ["SOURCE_IS_ROOT", "sourceFolderPath cannot be root"]);
});

await check("errors, wrong key", async () => {
  const stranger = new ImageKit({ privateKey: "private_nobody", baseURL: settings.base });
  const error = await failure(() => stranger.assets.list());
  holds(error instanceof ImageKit.PermissionDeniedError, `thrown: ${error}`);
  same(error.error.message, "Your account cannot be authenticated.");
});

await check("errors, conflict sent once", async () => {
  await upload("/conflict/a", "a.bin");
  await upload("/conflict/b", "b.bin");
  requests = 0;
  const error = await failure(() => client.folders.rename({ folderPath: "/conflict/a", newFolderName: "b" }));
  holds(error instanceof ImageKit.ConflictError, `thrown: ${error}`);
  same(requests, 1, "requests sent");
});

// Sockets that a client keeps open for its next request would keep this process up to a minute.
process.exit(0);
