-- How long a video or a recording plays and what it is made of. Rows from before do not have it: the bytes are looked at
-- when they are uploaded, and never again.
ALTER TABLE content ADD COLUMN playback TEXT;  -- JSON object: bitRate in kbit/s, duration in s, videoCodec, audioCodec
