//go:build !unix

package devdb

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

var errUnsupported = errors.New("PostgreSQL cannot be started on this system; set MCPAUTH_DATABASE_URL to a running one")

type account struct {
	name     string
	switched bool
}

const maxSocketPath = 107

func chooseAccount() (account, error)                   { return account{}, errUnsupported }
func (a account) ownerOf(string) (account, error)       { return a, errUnsupported }
func (a account) own(string) error                      { return errUnsupported }
func (a account) canEnter(context.Context, string) bool { return false }
func (a account) attributes() *syscall.SysProcAttr      { return nil }
func ownedByUs(fs.FileInfo) bool                        { return false }
func tryLock(*os.File) (bool, error)                    { return false, errUnsupported }
func unlock(*os.File) error                             { return errUnsupported }
func alive(int) bool                                    { return false }
func signalProcess(int, stopSignal) error               { return errUnsupported }
func openToAll(string) error                            { return errUnsupported }
func dieWithParent(*syscall.SysProcAttr)                {}
func watchParent(int) (func(), error)                   { return nil, errUnsupported }
func runsIn(int, string) bool                           { return false }
