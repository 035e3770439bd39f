//! The properties of the fuzz targets on a small corpus.

mod properties;

#[test]
fn whatever_an_expression_is_it_ends() {
    for text in [
        "[concat('a', 1, true())]",
        "[map(range(0, 3), lambda('x', mul(lambdaVariables('x'), 2)))]",
        "[variables('v').a[2].b]",
        "[reference('a').x.y]",
        "[if(true(), json('{\"a\": 1}'), fail('no'))]",
        "[[x]",
        "[",
        "[]",
        "[f(",
        "[substring('é😀', 1, 1)]",
        "[format('{0:#,##0.00;(0)} {1}', -5, createArray(1))]",
        "[padLeft('', 99999999)]",
        "[range(0, 10000)]",
        "[split('a,b', ',')[9223372036854775807]]",
        "[dateTimeAdd('2020-01-01', 'P999999999D')]",
        "[toObject(range(0, 3), lambda('x', 'same'))]",
        "[sort(range(0, 100), lambda('a', 'b', true()))]",
        "[uri('http://a/b', '../../../c')]",
        "[cidrSubnet('10.0.0.0/8', 32, 16777215)]",
    ] {
        properties::expression(text);
    }
}

#[test]
fn whatever_a_template_is_it_ends() {
    for text in [
        "{\"resources\": []}",
        "{resources: [{type: 'P/a', apiVersion: '1', name: '[copyIndex()]', copy: {name: 'c', count: 3}}]}",
        "{languageVersion: '2.0', resources: {a: {type: 'P/a', apiVersion: '1', name: 'a', dependsOn: ['a']}}}",
        "{resources: 1}",
        "[]",
        "nothing",
        "{resources: [], definitions: {a: {$ref: '#/definitions/a'}}, parameters: {p: {$ref: '#/definitions/a'}}}",
        "{resources: [], variables: {copy: [{name: 'a', count: 800, input: {copy: [{name: 'b', count: 800, input: 'x'}]}}]}, outputs: {o: {type: 'array', value: \"[variables('a')]\"}}}",
        "{resources: [{type: 'Microsoft.Resources/deployments', apiVersion: '1', name: 'n', properties: {template: {resources: [], outputs: {o: {type: 'string', value: \"[parameters('x')]\"}}}}}]}",
    ] {
        properties::template(text);
    }
}
