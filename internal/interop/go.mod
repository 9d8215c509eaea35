module github.com/sallyport-go/sallyport/internal/interop

go 1.26.0

require github.com/sallyport-go/sallyport v0.0.0

replace github.com/sallyport-go/sallyport => ../..
