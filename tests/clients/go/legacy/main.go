// The legacy Go SDK. Its hosts are two fields of its configuration, set here to a server of ours.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	. "calotype/clients/checks"

	"github.com/imagekit-developer/imagekit-go"
	"github.com/imagekit-developer/imagekit-go/api"
	"github.com/imagekit-developer/imagekit-go/api/media"
	"github.com/imagekit-developer/imagekit-go/api/metadata"
	"github.com/imagekit-developer/imagekit-go/api/uploader"
	"github.com/imagekit-developer/imagekit-go/config"
	ikurl "github.com/imagekit-developer/imagekit-go/url"
)

var client = connect(PrivateKey)

func connect(key string) *imagekit.ImageKit {
	settings := config.NewFromParams(key, PublicKey, URLEndpoint)
	settings.API.Prefix, settings.API.UploadPrefix = Base+"/v1/", Base+"/api/v1/"
	return imagekit.NewFromConfiguration(settings)
}

func upload(folder, name string, content any, more ...func(*uploader.UploadParam)) uploader.UploadResult {
	params := uploader.UploadParam{FileName: name, Folder: folder, UseUniqueFileName: api.Bool(false)}
	for _, set := range more {
		set(&params)
	}
	if raw, is := content.([]byte); is {
		content = bytes.NewReader(raw)
	}
	return Must(client.Uploader.Upload(Background, content, params)).Data
}

func private(params *uploader.UploadParam) { params.IsPrivateFile = api.Bool(true) }

func list(params media.FilesParam) []media.File {
	return Must(client.Media.Files(Background, params)).Data
}

func names(params media.FilesParam) []string {
	return Names(list(params), func(file media.File) string { return file.Name })
}

func in(path string) media.FilesParam { return media.FilesParam{Path: path} }

func folders(path string) []string {
	return names(media.FilesParam{Path: path, Type: media.ListFolder})
}

func file(id string) media.File { return Must(client.Media.FileById(Background, id)).Data }

func told(found *metadata.MetadataResponse) []any {
	return []any{found.Data.Width, found.Data.Height, found.Data.Size, found.Data.Format}
}

func job(id, kind string) {
	Completed(func() string {
		status := Must(client.Media.BulkJobStatus(Background, id)).Data
		Same([]string{status.JobId, status.Type}, []string{id, kind})
		return status.Status
	})
}

// refused compares the class of an error, and its message where the class has one.
func refused(err, class error, message string) *api.ApiError {
	Holds(errors.Is(err, class), "not %q: %v", class, err)
	var body *api.ApiError
	if errors.As(err, &body) {
		Same(body.Message, message)
	}
	return body
}

func main() {
	uploads()
	lists()
	files()
	treeJobs()
	fields()
	signatures()
	failures()
}

func uploads() {
	Check("upload, binary", func() {
		answer := Must(client.Uploader.Upload(Background, bytes.NewReader(Picture), uploader.UploadParam{FileName: "a.png"}))
		Holds(strings.HasPrefix(answer.Data.Name, "a_") && strings.HasSuffix(answer.Data.Name, ".png"), "unique name %s", answer.Data.Name)
		Same([]int{answer.Data.Width, answer.Data.Height, int(answer.Data.Size)}, []int{1, 1, len(Picture)})
		SameBytes(upload("/bytes", "b.bin", Bytes).Url, Bytes)
	})
	Check("upload, base64", func() {
		Same(int(upload("/base64", "c.png", PictureText).Size), len(Picture))
		Same(int(upload("/base64", "d.png", "data:image/png;base64,"+PictureText).Size), len(Picture))
	})
	Check("upload, URL", func() {
		answer := upload("/source", "f.bin", upload("/source", "e.bin", Bytes).Url)
		Same(answer.FilePath, "/source/f.bin")
		SameBytes(answer.Url, Bytes)
	})
	Check("upload, options", func() {
		id := upload("/options/deep", "g h.png", Picture, private, func(params *uploader.UploadParam) {
			params.Tags, params.CustomCoordinates, params.ResponseFields = "red,big", "0,0,1,1", "tags,customCoordinates"
			params.OverwriteFile, params.OverwriteTags = api.Bool(true), api.Bool(false)
			params.OverwriteAITags, params.OverwriteCustomMetadata = api.Bool(false), api.Bool(false)
		}).FileId
		found := file(id)
		Same([]any{found.Name, found.Tags, *found.CustomCoordinates, *found.IsPrivateFile}, []any{"g_h.png", []string{"red", "big"}, "0,0,1,1", true})
	})
	Check("upload, new version", func() {
		first, second := upload("/again", "h.bin", Bytes), upload("/again", "h.bin", Picture)
		Same([]string{second.FileId, second.VersionInfo["name"]}, []string{first.FileId, "Version 2"})
		kept := uploader.UploadParam{FileName: "h.bin", Folder: "/again", UseUniqueFileName: api.Bool(false), OverwriteFile: api.Bool(false)}
		_, err := client.Uploader.Upload(Background, bytes.NewReader(Bytes), kept)
		Holds(errors.Is(err, api.ErrBadRequest), "not refused: %v", err)
	})
	Check("upload, client-side signature", func() {
		token := client.SignToken(imagekit.SignTokenParam{})
		fields := map[string]string{"fileName": "i.bin", "publicKey": PublicKey, "token": token.Token, "expire": fmt.Sprint(token.Expires), "signature": token.Signature}
		Same([]int{Posted(fields), Posted(fields)}, []int{200, 400})
	})
}

func lists() {
	Check("list files", func() {
		for _, name := range []string{"a.bin", "b.bin", "c.bin"} {
			upload("/list", name, Bytes)
		}
		Must(client.Media.CreateFolder(Background, media.CreateFolderParam{FolderName: "inner", ParentFolderPath: "/list"}))
		Same(names(in("/list")), []string{"a.bin", "b.bin", "c.bin"})
		Same(names(media.FilesParam{Path: "/list", Sort: media.DescName, Skip: 1, Limit: 1}), []string{"b.bin"})
		Same(folders("/list"), []string{"inner"})
	})
	Check("list files, search", func() {
		upload("/search", "one.bin", Bytes, func(params *uploader.UploadParam) { params.Tags = "x" })
		upload("/search", "two.bin", Bytes, func(params *uploader.UploadParam) { params.Tags = "y,z" })
		Same(names(media.FilesParam{Path: "/search", SearchQuery: `type = "file" AND name = "two.bin"`}), []string{"two.bin"})
		Same(names(media.FilesParam{Path: "/search", Tags: "none,z"}), []string{"two.bin"})
	})
	Check("file details", func() {
		id := upload("/details", "a.png", Picture).FileId
		found := file(id)
		Same([]string{found.FileId, found.FilePath, found.Mime}, []string{id, "/details/a.png", "image/png"})
		Holds(!found.CreatedAt.IsZero() && !found.UpdatedAt.IsZero(), "times")
	})
	Check("file metadata", func() {
		found := Must(client.Metadata.FromFile(Background, upload("/metadata", "a.png", Picture).FileId))
		Same(told(found), []any{1, 1, int64(len(Picture)), "png"})
	})
	Check("metadata of a URL", func() {
		found := Must(client.Metadata.FromUrl(Background, upload("/metadata/of a", "b c.png", Picture).Url))
		Same(told(found), []any{1, 1, int64(len(Picture)), "png"})
	})
	Check("update details", func() {
		id := upload("/update", "a.png", Picture).FileId
		params := media.UpdateFileParam{Tags: []string{"x", "y"}, CustomCoordinates: "0,0,1,1"}
		found := Must(client.Media.UpdateFile(Background, id, params)).Data
		Same([]any{found.Tags, *found.CustomCoordinates}, []any{[]string{"x", "y"}, "0,0,1,1"})
	})
}

func files() {
	Check("add, remove tags", func() {
		ids := []string{upload("/tags", "a.bin", Bytes).FileId, upload("/tags", "b.bin", Bytes).FileId}
		added := Must(client.Media.AddTags(Background, media.TagsParam{FileIds: ids, Tags: []string{"s", "t"}})).Data
		Same(len(added.FileIds), 2)
		Must(client.Media.RemoveTags(Background, media.TagsParam{FileIds: ids, Tags: []string{"s"}}))
		Same(file(ids[1]).Tags, []string{"t"})
		none := media.AITagsParam{FileIds: ids, AITags: []string{"none"}}
		Same(len(Must(client.Media.RemoveAITags(Background, none)).Data.FileIds), 2)
	})
	Check("copy file", func() {
		id := upload("/file", "copied.bin", Bytes).FileId
		params := media.CopyFileParam{SourcePath: "/file/copied.bin", DestinationPath: "/file-copy", IncludeFileVersions: true}
		Must(client.Media.CopyFile(Background, params))
		copies := list(in("/file-copy"))
		Holds(len(copies) == 1 && copies[0].FileId != id, "the copy has an id of its own")
	})
	Check("move file", func() {
		id := upload("/file", "moved.bin", Bytes).FileId
		Must(client.Media.MoveFile(Background, media.MoveFileParam{SourcePath: "/file/moved.bin", DestinationPath: "/file-move"}))
		Same(file(id).FilePath, "/file-move/moved.bin")
	})
	Check("rename file", func() {
		id := upload("/file", "old.bin", Bytes).FileId
		Must(client.Media.RenameFile(Background, media.RenameFileParam{FilePath: "/file/old.bin", NewFileName: "new.bin"}))
		Same(file(id).FilePath, "/file/new.bin")
		params := media.RenameFileParam{FilePath: "/file/new.bin", NewFileName: "newer.bin", PurgeCache: true}
		purged(Must(client.Media.RenameFile(Background, params)).Data.RequestId)
	})
	Check("list versions", func() {
		id := upload("/versions", "l.bin", Bytes).FileId
		upload("/versions", "l.bin", Picture)
		Same(len(Must(client.Media.FileVersions(Background, media.FileVersionsParam{FileId: id})).Data), 2)
		one := Must(client.Media.FileVersions(Background, media.FileVersionsParam{FileId: id, VersionId: id})).Data
		Same(one[0].VersionInfo, map[string]string{"id": id, "name": "Version 1"})
	})
	Check("restore, delete version", func() {
		id := upload("/versions", "r.bin", Bytes).FileId
		second := upload("/versions", "r.bin", Picture).VersionInfo["id"]
		// This SDK sends DELETE where the contract has PUT; its intention counts.
		Must(client.Media.RestoreVersion(Background, media.FileVersionsParam{FileId: id, VersionId: id}))
		Same(file(id).VersionInfo["id"], id)
		Must(client.Media.DeleteFileVersion(Background, id, second))
		Same(len(Must(client.Media.FileVersions(Background, media.FileVersionsParam{FileId: id})).Data), 1)
	})
	Check("delete file", func() {
		Must(client.Media.DeleteFile(Background, upload("/delete", "one.bin", Bytes).FileId))
		Same(names(in("/delete")), []string{})
	})
	Check("delete files in bulk", func() {
		ids := []string{upload("/delete", "a.bin", Bytes).FileId, upload("/delete", "b.bin", Bytes).FileId}
		_, err := client.Media.DeleteBulkFiles(Background, media.FileIdsParam{FileIds: append(slices.Clone(ids), UnknownID)})
		Holds(errors.Is(err, api.ErrNotFound), "not refused: %v", err)
		Same(len(Must(client.Media.DeleteBulkFiles(Background, media.FileIdsParam{FileIds: ids})).Data.FileIds), 2)
	})
	Check("purge cache", func() {
		params := media.PurgeCacheParam{Url: upload("/purge", "a.bin", Bytes).Url}
		purged(Must(client.Media.PurgeCache(Background, params)).Data.RequestId)
	})
}

func purged(id string) {
	status := Must(client.Media.PurgeCacheStatus(Background, id)).Data.Status
	Holds(status == "Pending" || status == "Completed", "the purge is %s", status)
}

func treeJobs() {
	Check("create, delete folder", func() {
		Must(client.Media.CreateFolder(Background, media.CreateFolderParam{FolderName: "made", ParentFolderPath: "/folders/"}))
		Same(folders("/folders"), []string{"made"})
		Must(client.Media.DeleteFolder(Background, media.DeleteFolderParam{FolderPath: "/folders/made/"}))
		Same(folders("/folders"), []string{})
	})
	Check("copy folder", func() {
		upload("/tree/inner", "a.bin", Bytes)
		upload("/tree/inner", "a.bin", Picture)
		params := media.CopyFolderParam{SourceFolderPath: "/tree", DestinationPath: "/copies"}
		job(Must(client.Media.CopyFolder(Background, params)).Data.JobId, "COPY_FOLDER")
		params.DestinationPath, params.IncludeFileVersions = "/histories", true
		job(Must(client.Media.CopyFolder(Background, params)).Data.JobId, "COPY_FOLDER")
		for copies, count := range map[string]int{"/copies": 1, "/histories": 2} {
			id := list(in(copies + "/tree/inner"))[0].FileId
			Same(len(Must(client.Media.FileVersions(Background, media.FileVersionsParam{FileId: id})).Data), count)
		}
	})
	Check("move folder", func() {
		upload("/moving/inner", "a.bin", Bytes)
		params := media.MoveFolderParam{SourceFolderPath: "/moving", DestinationPath: "/moved"}
		job(Must(client.Media.MoveFolder(Background, params)).Data.JobId, "MOVE_FOLDER")
		Same([][]string{names(in("/moved/moving/inner")), names(in("/moving/inner"))}, [][]string{{"a.bin"}, {}})
	})
	Check("job status", func() {
		upload("/status", "a.bin", Bytes)
		params := media.CopyFolderParam{SourceFolderPath: "/status", DestinationPath: "/status-copy"}
		id := Must(client.Media.CopyFolder(Background, params)).Data.JobId
		job(id, "COPY_FOLDER")
		last := Must(client.Media.BulkJobStatus(Background, id))
		Same(string(last.Body()), fmt.Sprintf(`{"jobId":"%s","type":"COPY_FOLDER","status":"Completed"}`, id))
	})
}

func fields() {
	Check("custom metadata fields", func() {
		params := metadata.CreateFieldParam{Name: "size_class", Label: "Size class", Schema: metadata.Schema{Type: "Number", MaxValue: 9}}
		field := Must(client.Metadata.CreateCustomField(Background, params)).Data
		Same([]any{field.Name, field.Schema.Type, field.Schema.MaxValue}, []any{"size_class", "Number", 9.0})
		id := upload("/fields", "a.bin", Bytes, func(params *uploader.UploadParam) {
			params.CustomMetadata = map[string]any{"size_class": 3}
		}).FileId
		Same(file(id).CustomMetadata, map[string]any{"size_class": 3.0})
		_, err := client.Media.UpdateFile(Background, id, media.UpdateFileParam{CustomMetadata: map[string]any{"size_class": 10}})
		Holds(refused(err, api.ErrBadRequest, "Invalid custom metadata.").Errors["size_class"] != "", "which field is wrong: %v", err)
		update := metadata.UpdateCustomFieldParam{Label: "Class", Schema: metadata.Schema{Type: "Number", MaxValue: 8}}
		Same(Must(client.Metadata.UpdateCustomField(Background, field.Id, update)).Data.Label, "Class")
		Must(client.Metadata.DeleteCustomField(Background, field.Id))
		Same(len(Must(client.Metadata.CustomFields(Background, false)).Data), 0)
		Same(len(Must(client.Metadata.CustomFields(Background, true)).Data), 1)
	})
}

func signatures() {
	signed := func(params ikurl.UrlParam) string {
		params.Signed = true
		return Must(client.Url(params))
	}
	Check("signed URL", func() {
		answer := upload("/private", "s.bin", Bytes, private)
		path := strings.TrimPrefix(answer.FilePath, "/")
		status, _ := Fetched(answer.Url)
		Same(status, 401)
		SameBytes(signed(ikurl.UrlParam{Path: path}), Bytes)
		SameBytes(signed(ikurl.UrlParam{Src: answer.Url}), Bytes)
		SameBytes(signed(ikurl.UrlParam{Path: path, ExpireSeconds: 300}), Bytes)
		SameBytes(signed(ikurl.UrlParam{Src: answer.Url, QueryParameters: map[string]string{"v": "1,2:3 4"}}), Bytes)
		original := []map[string]any{{"raw": "orig-true"}}
		SameBytes(signed(ikurl.UrlParam{Path: path, Transformations: original}), Bytes)
		SameBytes(signed(ikurl.UrlParam{Src: answer.Url, Transformations: original}), Bytes)
		status, _ = Fetched(Forged(signed(ikurl.UrlParam{Path: path})))
		Same(status, 401)
	})
	Check("signed URL, odd names", func() {
		answer := upload("/private-ü", "日本語.bin", Bytes, private)
		SameBytes(signed(ikurl.UrlParam{Path: strings.TrimPrefix(answer.FilePath, "/")}), Bytes)
		SameBytes(signed(ikurl.UrlParam{Src: answer.Url, ExpireSeconds: 300}), Bytes)
	})
}

func failures() {
	Check("errors, unknown file", func() {
		_, err := client.Media.FileById(Background, UnknownID)
		refused(err, api.ErrNotFound, "")
	})
	Check("errors, unknown job", func() {
		answer, err := client.Media.BulkJobStatus(Background, UnknownID)
		refused(err, api.ErrNotFound, "")
		Holds(strings.Contains(string(answer.Body()), "The requested job does not exist."), "the body %s", answer.Body())
	})
	Check("errors, invalid request", func() {
		_, err := client.Media.MoveFolder(Background, media.MoveFolderParam{SourceFolderPath: "/", DestinationPath: "/x"})
		Same(refused(err, api.ErrBadRequest, "sourceFolderPath cannot be root").Reason, "SOURCE_IS_ROOT")
	})
	Check("errors, wrong key", func() {
		_, err := connect("private_nobody").Media.Files(Background, media.FilesParam{})
		refused(err, api.ErrForbidden, "Your account cannot be authenticated.")
	})
}
