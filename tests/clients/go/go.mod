module calotype/clients

go 1.22

require (
	github.com/imagekit-developer/imagekit-go v0.0.0-20240521071536-1d7e6e67fcd7
	github.com/imagekit-developer/imagekit-go/v2 v2.10.0
)

require (
	github.com/creasty/defaults v1.6.0 // indirect
	github.com/google/uuid v1.3.0 // indirect
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1 // indirect
	github.com/tidwall/gjson v1.18.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	gopkg.in/validator.v2 v2.0.1 // indirect
)
