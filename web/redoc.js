// Redoc on the document that the page names. Nothing of it leaves this origin.
"use strict";

Redoc.init(document.body.dataset.openapi, { hideLoading: true }, document.getElementById("redoc"));
