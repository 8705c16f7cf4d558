#!/bin/sh
# The documentation's curl examples of copying, moving and asking for a job's status, with the host changed.

bound="--max-time 30 --silent --show-error"

# The value of a text field in the answer's JSON.
field() {
    printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

outcome() { # outcome CALL PROBLEM
    [ -z "$2" ] && echo "{\"call\":\"$1\",\"ok\":true,\"problem\":null}" && return
    printf '{"call":"%s","ok":false,"problem":"%s"}\n' "$1" "$(printf '%s' "$2: $answer" | tr -d '"\\' | tr '\n' ' ')"
}

put() { # put FOLDER: a file to copy or move
    curl $bound --output /dev/null -u "$CALOTYPE_PRIVATE_KEY:" -F 'file=@-;filename=a.txt' -F fileName=a.txt -F "folder=$1" \
        -F useUniqueFileName=false "$CALOTYPE_BASE/api/v1/files/upload" </dev/null
}

completed() { # completed JOB TYPE: asks until the job is no longer pending
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        answer=$(curl $bound -X GET "$CALOTYPE_BASE/v1/bulkJobs/$1" \
-u "$CALOTYPE_PRIVATE_KEY:")
        [ "$(field status)" = Pending ] || break
        sleep 0.2
    done
    [ "$(field status)" = Completed ] && [ "$(field type)" = "$2" ] && [ "$(field jobId)" = "$1" ]
}

put /product && put /moving || exit 1

answer=$(curl $bound -X POST "$CALOTYPE_BASE/v1/bulkJobs/copyFolder" \
-H 'Content-Type: application/json' \
-u "$CALOTYPE_PRIVATE_KEY:" -d'
{
    "sourceFolderPath" : "/product/",
    "destinationPath" : "/copies/",
    "includeFileVersions" : false
}
')
copy=$(field jobId)
problem=
completed "$copy" COPY_FOLDER || problem="the copy did not complete"
outcome "copy folder" "$problem"

answer=$(curl $bound -X POST "$CALOTYPE_BASE/v1/bulkJobs/moveFolder" \
-H 'Content-Type: application/json' \
-u "$CALOTYPE_PRIVATE_KEY:" -d'
{
    "sourceFolderPath" : "/moving",
    "destinationPath" : "/moved"
}
')
move=$(field jobId)
problem=
completed "$move" MOVE_FOLDER || problem="the move did not complete"
outcome "move folder" "$problem"

problem=
completed "$copy" COPY_FOLDER || problem="the status of a completed job"
[ "$answer" = "{\"jobId\":\"$copy\",\"type\":\"COPY_FOLDER\",\"status\":\"Completed\"}" ] || problem="other keys than a job has"
outcome "job status" "$problem"

answer=$(curl $bound -X GET "$CALOTYPE_BASE/v1/files?path=/moved/moving" -u "$CALOTYPE_PRIVATE_KEY:")
problem=
[ "$(field filePath)" = /moved/moving/a.txt ] || problem="the moved file is not listed"
outcome "list files" "$problem"
