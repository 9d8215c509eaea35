module github.com/sallyport-go/sallyport/examples

go 1.26.0

replace github.com/sallyport-go/sallyport => ..

require (
	github.com/sallyport-go/sallyport v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.11.1
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
