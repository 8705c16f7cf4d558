// Package checks is what both Go programs share: one line of JSON per named check, and the few assertions they need.
package checks

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// UnknownID is well formed, and no library hands it out.
const UnknownID = "ffffffffffffffffffffffff"

const jobMax = 30 * time.Second

var (
	Base        = need("CALOTYPE_BASE")
	PrivateKey  = need("CALOTYPE_PRIVATE_KEY")
	PublicKey   = need("CALOTYPE_PUBLIC_KEY")
	URLEndpoint = need("CALOTYPE_URL_ENDPOINT")

	Background = context.Background()
	// PictureText is a picture of 1 x 1.
	PictureText = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	Picture     = Must(base64.StdEncoding.DecodeString(PictureText))
	// Bytes is what no text encoding survives.
	Bytes = oddBytes()
)

func need(name string) string {
	value := os.Getenv(name)
	if value == "" {
		panic(name + " is not set")
	}
	return value
}

func oddBytes() []byte {
	odd := make([]byte, 3000)
	for at := range odd {
		odd[at] = byte(at * 7)
	}
	return odd
}

// Check runs one check and prints its outcome; the ones after it run whatever it was.
func Check(call string, work func()) {
	var problem *string
	func() {
		defer func() {
			if reason := recover(); reason != nil {
				text := fmt.Sprintf("%.1500v (%s)", reason, place())
				problem = &text
			}
		}()
		work()
	}()
	line, _ := json.Marshal(map[string]any{"call": call, "ok": problem == nil, "problem": problem})
	fmt.Println(string(line))
}

// place is the line of the program that the failure goes back to.
func place() string {
	_, after, _ := strings.Cut(string(debug.Stack()), "/main.go:")
	line, _, _ := strings.Cut(after, " ")
	return "main.go:" + line
}

// Must ends the check when there is an error.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Same compares deeply.
func Same(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("found %#v, expected %#v", found, expected))
	}
}

// Holds fails with what should have been.
func Holds(condition bool, what string, about ...any) {
	if !condition {
		panic(fmt.Sprintf(what, about...))
	}
}

// Names is what each entry's name function says, sorted.
func Names[T any](entries []T, name func(T) string) []string {
	names := []string{}
	for _, entry := range entries {
		names = append(names, name(entry))
	}
	slices.Sort(names)
	return names
}

// Completed asks for a job until it is no longer pending, as the documentation tells clients to.
func Completed(ask func() string) {
	deadline := time.Now().Add(jobMax)
	status := ask()
	for ; status == "Pending"; status = ask() {
		Holds(time.Now().Before(deadline), "the job does not complete")
		time.Sleep(25 * time.Millisecond)
	}
	Same(status, "Completed")
}

// Fetched is status and bytes of a URL, by nothing of the SDK's.
func Fetched(url string) (int, []byte) {
	answer := Must(http.Get(url))
	defer answer.Body.Close()
	return answer.StatusCode, Must(io.ReadAll(answer.Body))
}

// SameBytes fails unless the URL delivers exactly these bytes.
func SameBytes(url string, expected []byte) {
	status, found := Fetched(url)
	Holds(status == 200 && bytes.Equal(found, expected), "%s: status %d, %d bytes of %d", url, status, len(found), len(expected))
}

// Forged is the URL with another last digit, which belongs to its signature.
func Forged(url string) string {
	last := byte('0')
	if url[len(url)-1] == last {
		last = '1'
	}
	return url[:len(url)-1] + string(last)
}

// Posted is the status of an upload as a browser sends it, with these fields.
func Posted(fields map[string]string) int {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		form.WriteField(name, value)
	}
	file := Must(form.CreateFormFile("file", "i.bin"))
	Must(file.Write(Bytes))
	form.Close()
	answer := Must(http.Post(Base+"/api/v1/files/upload", form.FormDataContentType(), &body))
	answer.Body.Close()
	return answer.StatusCode
}
