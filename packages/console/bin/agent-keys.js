#!/usr/bin/env node
// A committed file, because npm links only a bin that exists at install, before anything is built.
import "../dist/bin.js";
