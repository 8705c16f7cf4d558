// The current Go SDK against a server of ours, told where to go by its base URL and nothing else.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	. "calotype/clients/checks"

	"github.com/imagekit-developer/imagekit-go/v2"
	"github.com/imagekit-developer/imagekit-go/v2/option"
	"github.com/imagekit-developer/imagekit-go/v2/shared"
)

var (
	requests int
	client   = imagekit.NewClient(option.WithPrivateKey(PrivateKey), option.WithBaseURL(Base), option.WithMiddleware(counted))
)

func counted(request *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	requests++
	return next(request)
}

func upload(folder, name string, content []byte, more ...func(*imagekit.FileUploadParams)) *imagekit.FileUploadResponse {
	params := imagekit.FileUploadParams{
		File:              imagekit.NewFile(bytes.NewReader(content), name, "application/octet-stream"),
		FileName:          name,
		Folder:            imagekit.String(folder),
		UseUniqueFileName: imagekit.Bool(false),
	}
	for _, set := range more {
		set(&params)
	}
	return Must(client.Files.Upload(Background, params))
}

func private(params *imagekit.FileUploadParams) { params.IsPrivateFile = imagekit.Bool(true) }

func list(params imagekit.AssetListParams) []imagekit.AssetListResponseUnion {
	return *Must(client.Assets.List(Background, params))
}

func names(params imagekit.AssetListParams) []string {
	return Names(list(params), func(asset imagekit.AssetListResponseUnion) string { return asset.Name })
}

func in(path string) imagekit.AssetListParams {
	return imagekit.AssetListParams{Path: imagekit.String(path)}
}

func folders(path string) []string {
	params := in(path)
	params.Type = imagekit.AssetListParamsTypeFolder
	return names(params)
}

func file(id string) *imagekit.File { return Must(client.Files.Get(Background, id)) }

func told(metadata *imagekit.Metadata) []any {
	return []any{float64(metadata.Width), float64(metadata.Height), float64(metadata.Size), metadata.Format}
}

func job(id, kind string) *imagekit.FolderJobGetResponse {
	var last *imagekit.FolderJobGetResponse
	Completed(func() string {
		last = Must(client.Folders.Job.Get(Background, id))
		return string(last.Status)
	})
	Same([]string{last.JobID, string(last.Type)}, []string{id, kind})
	return last
}

// failure is the typed error of the SDK and the JSON in it.
func failure(err error, status int) map[string]any {
	var refused *imagekit.Error
	Holds(errors.As(err, &refused), "not a refusal: %v", err)
	Same(refused.StatusCode, status)
	Holds(refused.Response.Header.Get("x-ik-requestId") != "", "no request id")
	var body map[string]any
	Holds(json.Unmarshal([]byte(refused.RawJSON()), &body) == nil, "no JSON: %s", refused.RawJSON())
	return body
}

func signed(src string, set ...func(*shared.SrcOptionsParam)) string {
	options := shared.SrcOptionsParam{URLEndpoint: URLEndpoint, Src: src, Signed: imagekit.Bool(true)}
	for _, set := range set {
		set(&options)
	}
	return client.Helper.BuildURL(options)
}

func main() {
	uploads()
	lists()
	files()
	versions()
	treeJobs()
	fields()
	signatures()
	failures()
}

func uploads() {
	Check("upload, binary", func() {
		answer := Must(client.Files.Upload(Background, imagekit.FileUploadParams{File: bytes.NewReader(Picture), FileName: "a.png"}))
		Holds(strings.HasPrefix(answer.Name, "a_") && strings.HasSuffix(answer.Name, ".png"), "unique name %s", answer.Name)
		Same([]float64{answer.Width, answer.Height, answer.Size}, []float64{1, 1, float64(len(Picture))})
		SameBytes(upload("/bytes", "b.bin", Bytes).URL, Bytes)
	})
	// This SDK names every file. An empty name says that it is text that stands for one.
	text := func(text string) func(*imagekit.FileUploadParams) {
		return func(params *imagekit.FileUploadParams) {
			params.File = imagekit.NewFile(strings.NewReader(text), "", "text/plain")
		}
	}
	Check("upload, base64", func() {
		Same(int(upload("/base64", "c.png", nil, text(PictureText)).Size), len(Picture))
		Same(int(upload("/base64", "d.png", nil, text("data:image/png;base64,"+PictureText)).Size), len(Picture))
	})
	Check("upload, URL", func() {
		source := upload("/source", "e.bin", Bytes).URL
		answer := upload("/source", "f.bin", nil, text(source))
		Same(answer.FilePath, "/source/f.bin")
		SameBytes(answer.URL, Bytes)
	})
	Check("upload, options", func() {
		answer := upload("/options/deep", "g.png", Picture, private, func(params *imagekit.FileUploadParams) {
			params.Tags = []string{"red", "big"}
			params.IsPublished = imagekit.Bool(true)
			params.CustomCoordinates = imagekit.String("0,0,1,1")
			params.Description = imagekit.String("a dot")
			params.OverwriteTags = imagekit.Bool(false)
			params.ResponseFields = []string{"tags", "customCoordinates", "isPrivateFile", "isPublished"}
		})
		Same(answer.Tags, []string{"red", "big"})
		Same([]string{answer.CustomCoordinates, answer.Description}, []string{"0,0,1,1", "a dot"})
		Same([]bool{answer.IsPrivateFile, answer.IsPublished}, []bool{true, true})
	})
	Check("upload, new version", func() {
		first, second := upload("/again", "h.bin", Bytes), upload("/again", "h.bin", Picture)
		Same([]string{second.FileID, second.VersionInfo.Name}, []string{first.FileID, "Version 2"})
	})
	Check("upload, client-side signature", func() {
		fields := map[string]string{"fileName": "i.bin", "publicKey": PublicKey}
		for name, value := range Must(client.Helper.GetAuthenticationParameters("", 0)) {
			fields[name] = fmt.Sprint(value)
		}
		Same([]int{Posted(fields), Posted(fields)}, []int{200, 400})
	})
	Check("upload, v2", func() {
		name := "two words, 'q' & ü.bin"
		answer := Must(client.Beta.V2.Files.Upload(Background, imagekit.BetaV2FileUploadParams{
			File: bytes.NewReader(Bytes), FileName: name, Folder: imagekit.String("/v 2"), UseUniqueFileName: imagekit.Bool(false),
		}))
		Same(answer.FilePath, "/v 2/"+name)
		SameBytes(answer.URL, Bytes)
	})
}

func lists() {
	Check("list files", func() {
		for _, name := range []string{"a.bin", "b.bin", "c.bin"} {
			upload("/list", name, Bytes)
		}
		Must(client.Folders.New(Background, imagekit.FolderNewParams{FolderName: "inner", ParentFolderPath: "/list"}))
		Same(names(in("/list")), []string{"a.bin", "b.bin", "c.bin"})
		page := in("/list")
		page.Sort, page.Skip, page.Limit = imagekit.AssetListParamsSortDescName, imagekit.Int(1), imagekit.Int(1)
		Same(names(page), []string{"b.bin"})
		Same(folders("/list"), []string{"inner"})
	})
	Check("list files, search", func() {
		upload("/search", "one.bin", Bytes)
		upload("/search", "two.bin", Bytes)
		params := in("/search")
		params.SearchQuery = imagekit.String(`type = "file" AND name = "two.bin"`)
		Same(names(params), []string{"two.bin"})
	})
	Check("file details", func() {
		id := upload("/details", "a.png", Picture).FileID
		found := file(id)
		Same([]string{found.FileID, found.FilePath, found.Mime}, []string{id, "/details/a.png", "image/png"})
		Holds(!found.CreatedAt.IsZero() && !found.UpdatedAt.IsZero(), "times")
	})
	Check("file metadata", func() {
		found := Must(client.Files.Metadata.Get(Background, upload("/metadata", "a.png", Picture).FileID))
		Same(told(found), []any{1.0, 1.0, float64(len(Picture)), "png"})
	})
	Check("metadata of a URL", func() {
		params := imagekit.FileMetadataGetFromURLParams{URL: upload("/metadata/of a", "b c.png", Picture).URL}
		Same(told(Must(client.Files.Metadata.GetFromURL(Background, params))), []any{1.0, 1.0, float64(len(Picture)), "png"})
	})
	Check("update details", func() {
		id := upload("/update", "a.png", Picture).FileID
		details := imagekit.UpdateFileRequestUpdateFileDetailsParam{
			Tags: []string{"x", "y"}, CustomCoordinates: imagekit.String("0,0,1,1"), Description: imagekit.String("d"),
		}
		request := imagekit.UpdateFileRequestUnionParam{OfUpdateFileDetails: &details}
		found := Must(client.Files.Update(Background, id, imagekit.FileUpdateParams{UpdateFileRequest: request}))
		Same(found.Tags, []string{"x", "y"})
		Same([]string{found.CustomCoordinates, found.Description}, []string{"0,0,1,1", "d"})
		publication := imagekit.UpdateFileRequestChangePublicationStatusParam{
			// With nothing but zero values the SDK would leave the whole object out.
			Publish: imagekit.UpdateFileRequestChangePublicationStatusPublishParam{IsPublished: false, IncludeFileVersions: imagekit.Bool(true)},
		}
		request = imagekit.UpdateFileRequestUnionParam{OfChangePublicationStatus: &publication}
		found = Must(client.Files.Update(Background, id, imagekit.FileUpdateParams{UpdateFileRequest: request}))
		Same(found.IsPublished, false)
	})
}

func files() {
	Check("add, remove tags", func() {
		ids := []string{upload("/tags", "a.bin", Bytes).FileID, upload("/tags", "b.bin", Bytes).FileID}
		added := Must(client.Files.Bulk.AddTags(Background, imagekit.FileBulkAddTagsParams{FileIDs: ids, Tags: []string{"s", "t"}}))
		Same(len(added.SuccessfullyUpdatedFileIDs), 2)
		Must(client.Files.Bulk.RemoveTags(Background, imagekit.FileBulkRemoveTagsParams{FileIDs: ids, Tags: []string{"s"}}))
		Same(file(ids[1]).Tags, []string{"t"})
		none := imagekit.FileBulkRemoveAITagsParams{FileIDs: ids, AITags: []string{"none"}}
		Same(len(Must(client.Files.Bulk.RemoveAITags(Background, none)).SuccessfullyUpdatedFileIDs), 2)
	})
	Check("copy file", func() {
		id := upload("/file", "copied.bin", Bytes).FileID
		params := imagekit.FileCopyParams{SourceFilePath: "/file/copied.bin", DestinationPath: "/file-copy", IncludeFileVersions: imagekit.Bool(true)}
		Must(client.Files.Copy(Background, params))
		copies := list(in("/file-copy"))
		Holds(len(copies) == 1 && copies[0].FileID != id, "the copy has an id of its own")
		SameBytes(copies[0].URL, Bytes)
	})
	Check("move file", func() {
		id := upload("/file", "moved.bin", Bytes).FileID
		Must(client.Files.Move(Background, imagekit.FileMoveParams{SourceFilePath: "/file/moved.bin", DestinationPath: "/file-move"}))
		Same(file(id).FilePath, "/file-move/moved.bin")
	})
	Check("rename file", func() {
		id := upload("/file", "old.bin", Bytes).FileID
		Must(client.Files.Rename(Background, imagekit.FileRenameParams{FilePath: "/file/old.bin", NewFileName: "new.bin"}))
		Same(file(id).FilePath, "/file/new.bin")
		params := imagekit.FileRenameParams{FilePath: "/file/new.bin", NewFileName: "newer.bin", PurgeCache: imagekit.Bool(true)}
		purged(Must(client.Files.Rename(Background, params)).PurgeRequestID)
	})
	Check("delete file", func() {
		Holds(client.Files.Delete(Background, upload("/delete", "one.bin", Bytes).FileID) == nil, "deleted")
		Same(names(in("/delete")), []string{})
	})
	Check("delete files in bulk", func() {
		ids := []string{upload("/delete", "a.bin", Bytes).FileID, upload("/delete", "b.bin", Bytes).FileID}
		_, err := client.Files.Bulk.Delete(Background, imagekit.FileBulkDeleteParams{FileIDs: append(slices.Clone(ids), UnknownID)})
		Same(failure(err, 404)["missingFileIds"], []any{UnknownID})
		deleted := Must(client.Files.Bulk.Delete(Background, imagekit.FileBulkDeleteParams{FileIDs: ids}))
		Same(len(deleted.SuccessfullyDeletedFileIDs), 2)
	})
	Check("purge cache", func() {
		params := imagekit.CacheInvalidationNewParams{URL: upload("/purge", "a.bin", Bytes).URL}
		purged(Must(client.Cache.Invalidation.New(Background, params)).RequestID)
	})
}

func purged(id string) {
	status := string(Must(client.Cache.Invalidation.Get(Background, id)).Status)
	Holds(status == "Pending" || status == "Completed", "the purge is %s", status)
}

func versions() {
	Check("list versions", func() {
		id := upload("/versions", "l.bin", Bytes).FileID
		upload("/versions", "l.bin", Picture)
		all := *Must(client.Files.Versions.List(Background, id))
		Same(Names(all, func(version imagekit.File) string { return string(version.Type) }), []string{"file", "file-version"})
		one := Must(client.Files.Versions.Get(Background, id, imagekit.FileVersionGetParams{FileID: id}))
		Same([]string{one.VersionInfo.ID, one.VersionInfo.Name}, []string{id, "Version 1"})
		SameBytes(one.URL, Bytes)
	})
	Check("restore, delete version", func() {
		id := upload("/versions", "r.bin", Bytes).FileID
		second := upload("/versions", "r.bin", Picture).VersionInfo.ID
		restored := Must(client.Files.Versions.Restore(Background, id, imagekit.FileVersionRestoreParams{FileID: id}))
		Same(string(restored.Type), "file")
		Must(client.Files.Versions.Delete(Background, second, imagekit.FileVersionDeleteParams{FileID: id}))
		Same(len(*Must(client.Files.Versions.List(Background, id))), 1)
	})
}

func treeJobs() {
	Check("create, delete folder", func() {
		Must(client.Folders.New(Background, imagekit.FolderNewParams{FolderName: "made", ParentFolderPath: "/folders/"}))
		Same(folders("/folders"), []string{"made"})
		Must(client.Folders.Delete(Background, imagekit.FolderDeleteParams{FolderPath: "/folders/made"}))
		Same(folders("/folders"), []string{})
	})
	Check("copy folder", func() {
		upload("/tree/inner", "a.bin", Bytes)
		upload("/tree/inner", "a.bin", Picture)
		params := imagekit.FolderCopyParams{SourceFolderPath: "/tree", DestinationPath: "/copies"}
		job(Must(client.Folders.Copy(Background, params)).JobID, "COPY_FOLDER")
		params.DestinationPath, params.IncludeVersions = "/histories", imagekit.Bool(true)
		job(Must(client.Folders.Copy(Background, params)).JobID, "COPY_FOLDER")
		for copies, count := range map[string]int{"/copies": 1, "/histories": 2} {
			found := list(in(copies + "/tree/inner"))
			Same(len(*Must(client.Files.Versions.List(Background, found[0].FileID))), count)
		}
	})
	Check("move folder", func() {
		upload("/moving/inner", "a.bin", Bytes)
		params := imagekit.FolderMoveParams{SourceFolderPath: "/moving", DestinationPath: "/moved"}
		job(Must(client.Folders.Move(Background, params)).JobID, "MOVE_FOLDER")
		Same([][]string{names(in("/moved/moving/inner")), names(in("/moving/inner"))}, [][]string{{"a.bin"}, {}})
	})
	Check("rename folder", func() {
		upload("/named/old", "a.bin", Bytes)
		params := imagekit.FolderRenameParams{FolderPath: "/named/old", NewFolderName: "new"}
		plain := job(Must(client.Folders.Rename(Background, params)).JobID, "RENAME_FOLDER")
		Same([]string{plain.PurgeRequestID, names(in("/named/new"))[0]}, []string{"", "a.bin"})
		params = imagekit.FolderRenameParams{FolderPath: "/named/new", NewFolderName: "newer", PurgeCache: imagekit.Bool(true)}
		purged(job(Must(client.Folders.Rename(Background, params)).JobID, "RENAME_FOLDER").PurgeRequestID)
	})
	Check("job status", func() {
		upload("/status", "a.bin", Bytes)
		params := imagekit.FolderCopyParams{SourceFolderPath: "/status", DestinationPath: "/status-copy"}
		id := Must(client.Folders.Copy(Background, params)).JobID
		Same(job(id, "COPY_FOLDER").RawJSON(), fmt.Sprintf(`{"jobId":"%s","type":"COPY_FOLDER","status":"Completed"}`, id))
	})
}

func fields() {
	Check("custom metadata fields", func() {
		most := imagekit.CustomMetadataFieldNewParamsSchemaMaxValueUnion{OfFloat: imagekit.Float(9)}
		schema := imagekit.CustomMetadataFieldNewParamsSchema{Type: "Number", MaxValue: most}
		params := imagekit.CustomMetadataFieldNewParams{Name: "size_class", Label: "Size class", Schema: schema}
		field := Must(client.CustomMetadataFields.New(Background, params))
		Same([]string{field.Name, string(field.Schema.Type)}, []string{"size_class", "Number"})
		uploaded := upload("/fields", "a.bin", Bytes, func(params *imagekit.FileUploadParams) {
			params.CustomMetadata = map[string]any{"size_class": 3}
		})
		wrong := imagekit.UpdateFileRequestUpdateFileDetailsParam{CustomMetadata: map[string]any{"size_class": 10}}
		request := imagekit.FileUpdateParams{UpdateFileRequest: imagekit.UpdateFileRequestUnionParam{OfUpdateFileDetails: &wrong}}
		_, err := client.Files.Update(Background, uploaded.FileID, request)
		Same(failure(err, 400)["message"], "Invalid custom metadata.")
		label := imagekit.CustomMetadataFieldUpdateParams{Label: imagekit.String("Class")}
		Same(Must(client.CustomMetadataFields.Update(Background, field.ID, label)).Label, "Class")
		Must(client.CustomMetadataFields.Delete(Background, field.ID))
		Same(len(*Must(client.CustomMetadataFields.List(Background, imagekit.CustomMetadataFieldListParams{}))), 0)
		all := imagekit.CustomMetadataFieldListParams{IncludeDeleted: imagekit.Bool(true)}
		Same(len(*Must(client.CustomMetadataFields.List(Background, all))), 1)
	})
}

func signatures() {
	Check("signed URL", func() {
		answer := upload("/private", "s.bin", Bytes, private)
		status, _ := Fetched(answer.URL)
		Same(status, 401)
		SameBytes(signed(answer.FilePath), Bytes)
		SameBytes(signed(answer.URL), Bytes)
		SameBytes(signed(answer.FilePath, func(to *shared.SrcOptionsParam) { to.ExpiresIn = imagekit.Float(300) }), Bytes)
		SameBytes(signed(answer.FilePath, func(to *shared.SrcOptionsParam) {
			to.QueryParameters = map[string]string{"v": "1", "ik-attachment": "true"}
			to.Transformation = []shared.TransformationParam{{Original: imagekit.Bool(true)}}
		}), Bytes)
		status, _ = Fetched(Forged(signed(answer.FilePath)))
		Same(status, 401)
	})
	Check("signed URL, odd names", func() {
		for _, name := range []string{"ü b.bin", "日本語.bin", "100%.bin", "a+b&c.bin"} {
			answer := Must(client.Beta.V2.Files.Upload(Background, imagekit.BetaV2FileUploadParams{
				File: bytes.NewReader(Bytes), FileName: name, Folder: imagekit.String("/private ü"),
				UseUniqueFileName: imagekit.Bool(false), IsPrivateFile: imagekit.Bool(true),
			}))
			SameBytes(signed(answer.FilePath), Bytes)
		}
	})
}

func failures() {
	Check("errors, unknown file", func() {
		_, err := client.Files.Get(Background, UnknownID)
		Same(failure(err, 404)["message"], "The requested file does not exist.")
	})
	Check("errors, unknown job", func() {
		_, err := client.Folders.Job.Get(Background, UnknownID)
		Same(failure(err, 404)["message"], "The requested job does not exist.")
	})
	Check("errors, invalid request", func() {
		_, err := client.Folders.Move(Background, imagekit.FolderMoveParams{SourceFolderPath: "/", DestinationPath: "/x"})
		Same(failure(err, 400)["reason"], "SOURCE_IS_ROOT")
	})
	Check("errors, wrong key", func() {
		_, err := client.Assets.List(Background, imagekit.AssetListParams{}, option.WithPrivateKey("private_nobody"))
		Same(failure(err, 403)["message"], "Your account cannot be authenticated.")
	})
	Check("errors, conflict sent once", func() {
		upload("/conflict/a", "a.bin", Bytes)
		upload("/conflict/b", "b.bin", Bytes)
		requests = 0
		_, err := client.Folders.Rename(Background, imagekit.FolderRenameParams{FolderPath: "/conflict/a", NewFolderName: "b"})
		failure(err, 409)
		Same(requests, 1)
	})
}
